// Sound and vibration of an alarm. Browsers allow them after a tap only, so a tap switches them on, for this page's life.

let on = $state(false);
let context: AudioContext | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

/** A short tone at a moment of the context's clock; two or three make a pattern that is heard through an engine. */
function tone(c: AudioContext, at: number, hertz: number): void {
	const o = c.createOscillator();
	const g = c.createGain();
	o.type = 'square';
	o.frequency.value = hertz;
	g.gain.setValueAtTime(0, at);
	g.gain.linearRampToValueAtTime(0.25, at + 0.02);
	g.gain.setValueAtTime(0.25, at + 0.14);
	g.gain.linearRampToValueAtTime(0, at + 0.18);
	o.connect(g).connect(c.destination);
	o.start(at);
	o.stop(at + 0.2);
}

function once(high: boolean): void {
	navigator.vibrate?.(high ? [200, 100, 200, 100, 200] : [200]);
	if (!context || context.state !== 'running') return;
	for (let i = 0; i < (high ? 3 : 1); i++) tone(context, context.currentTime + i * 0.28, high ? 880 : 660);
}

export const sound = {
	get on(): boolean {
		return on;
	},
	/** From a tap: switches it on or off. */
	async toggle(): Promise<void> {
		on = !on;
		if (!on) return;
		try {
			context ??= new AudioContext();
			await context.resume();
		} catch {
			/* no sound here: vibration may do */
		}
	},
	/** Repeats the pattern until the returned function is called. */
	alarm(high: boolean): () => void {
		once(high);
		clearInterval(timer);
		timer = setInterval(() => once(high), high ? 4000 : 12_000);
		return () => clearInterval(timer);
	},
};
