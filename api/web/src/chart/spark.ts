// The path of a sparkline.

export type Point = readonly [ms: number, mc: number];

export interface Spark {
	/** Of an SVG path; a new stroke begins after each gap. */
	readonly path: string;
	/** Points without a neighbour. */
	readonly dots: readonly { x: number; y: number }[];
	readonly last: { x: number; y: number } | undefined;
	readonly bandTop: number;
	readonly bandHeight: number;
}

const hourMS = 3_600_000;
/** Two points further apart are not joined. */
const apartMS = 130_000;

/** Draws the hour up to the newest point into a box. Temperatures and band are thousandths of °C. */
export function sparkOf(points: readonly Point[], low: number, high: number, width: number, height: number): Spark {
	const end = points.reduce((m, p) => Math.max(m, p[0]), 0);
	const shown = points.filter((p) => p[0] >= end - hourMS);
	const temps = shown.map((p) => p[1]);
	const span = Math.max(high - low, 1000);
	const top = Math.max(high + span * 0.25, ...temps);
	const bottom = Math.min(low - span * 0.25, ...temps);
	const inset = 2;
	const x = (ms: number) => round(inset + ((ms - (end - hourMS)) / hourMS) * (width - 2 * inset));
	const y = (mc: number) => round(inset + ((top - mc) / (top - bottom)) * (height - 2 * inset));
	let path = '';
	const dots: { x: number; y: number }[] = [];
	shown.forEach(([ms, mc], i) => {
		const joined = i > 0 && ms - (shown[i - 1]?.[0] ?? ms) <= apartMS;
		const goesOn = i + 1 < shown.length && (shown[i + 1]?.[0] ?? ms) - ms <= apartMS;
		if (!joined && !goesOn) dots.push({ x: x(ms), y: y(mc) });
		else path += `${joined ? 'L' : 'M'}${x(ms)} ${y(mc)}`;
	});
	const newest = shown.at(-1);
	return {
		path,
		dots,
		last: newest === undefined ? undefined : { x: x(newest[0]), y: y(newest[1]) },
		bandTop: y(high),
		bandHeight: round(y(low) - y(high)),
	};
}

function round(n: number): number {
	return Math.round(n * 10) / 10;
}
