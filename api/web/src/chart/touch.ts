// One finger moves the cursor, two zoom. The page still scrolls up and down.
export interface TouchEvents {
	cursor(clientX: number): void;
	/** Two fingers moved: zoom by a factor around a place of the window, and move by so many pixels. */
	pinch(factor: number, clientX: number, movedPX: number): void;
}

/** Listens until the function that it returns is called. */
export function listenTouch(element: HTMLElement, on: TouchEvents): () => void {
	const fingers = new Map<number, number>();
	let before: { mid: number; apart: number } | undefined;

	const pair = () => {
		const [a, b] = [...fingers.values()];
		return a === undefined || b === undefined ? undefined : { mid: (a + b) / 2, apart: Math.max(20, Math.abs(a - b)) };
	};
	const down = (e: PointerEvent) => {
		if (e.pointerType === 'mouse') return;
		fingers.set(e.pointerId, e.clientX);
		before = pair();
		if (fingers.size === 1) on.cursor(e.clientX);
	};
	const move = (e: PointerEvent) => {
		if (!fingers.has(e.pointerId)) return;
		fingers.set(e.pointerId, e.clientX);
		const now = pair();
		if (now === undefined) on.cursor(e.clientX);
		else if (before !== undefined) on.pinch(now.apart / before.apart, now.mid, now.mid - before.mid);
		before = now;
	};
	const up = (e: PointerEvent) => {
		fingers.delete(e.pointerId);
		before = pair();
	};
	const events: [string, (e: PointerEvent) => void][] = [['pointerdown', down], ['pointermove', move], ['pointerup', up], ['pointercancel', up]];
	for (const [name, f] of events) element.addEventListener(name, f as EventListener);
	return () => {
		for (const [name, f] of events) element.removeEventListener(name, f as EventListener);
	};
}
