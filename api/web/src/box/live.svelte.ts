// The box's state, asked for every two seconds while the page is in sight.
import { getStatus, type Status, type Trend, judged, trendOf } from './status';

const everyMS = 2000;
const keep = 400; // values for the trend: five minutes and more at any interval
let status = $state.raw<Status | undefined>(undefined);
let failing = $state(false);
let askedMS = $state(0); // by this device's clock
let now = $state(Date.now());
const values = new Map<string, { atMS: number; mc: number }[]>();

function remember(s: Status): void {
	for (const x of s.reading?.samples ?? []) {
		const list = values.get(x.place) ?? [];
		if (x.temp_mc === undefined) list.length = 0;
		else if (list.at(-1)?.atMS !== s.reading!.event_time_ms) list.push({ atMS: s.reading!.event_time_ms, mc: x.temp_mc });
		values.set(x.place, list.slice(-keep));
	}
}

export const live = {
	get status(): Status | undefined {
		return status;
	},
	get failing(): boolean {
		return failing;
	},
	/** The present by the box's clock, Unix milliseconds: ages are by its clock, not by this device's. */
	get now(): number {
		return status ? status.now_ms + (now - askedMS) : now;
	},
	trend(place: string | undefined): Trend | undefined {
		return place === undefined ? undefined : trendOf(values.get(place) ?? []);
	},
	async refresh(): Promise<void> {
		try {
			const s = await getStatus();
			status = s;
			askedMS = now = Date.now();
			failing = false;
			remember(s);
		} catch {
			failing = true;
		}
	},
	/** Begins to ask; returns what ends it. */
	start(): () => void {
		let over = false;
		let timer: ReturnType<typeof setTimeout>;
		const tick = setInterval(() => (now = Date.now()), 1000);
		const round = async () => {
			if (document.visibilityState === 'visible') await this.refresh();
			if (!over) timer = setTimeout(() => void round(), everyMS);
		};
		void round();
		return () => {
			over = true;
			clearTimeout(timer);
			clearInterval(tick);
		};
	},
};

export { judged };
