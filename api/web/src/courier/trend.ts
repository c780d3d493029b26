// Where the temperature goes: the slope of the last readings, in words. It says what was measured; it forecasts nothing. Pure.

export type Direction = 'falling' | 'steady' | 'rising';
export type Pace = 'slowly' | 'plain' | 'fast';

export interface Trend {
	direction: Direction;
	pace: Pace;
	/** Thousandths of a kelvin an hour. */
	slope: number;
}

/** A moment (Unix milliseconds) and what was measured then, thousandths of a degree. */
export type Point = readonly [ms: number, mc: number];

/** Readings of so long are looked at, and at least so many over so long: two readings are no trend. */
export const windowMS = 10 * 60_000;
const leastPoints = 4;
const leastSpanMS = 2 * 60_000;

// Kelvin an hour. A probe resolves 0.1 K: less than that in ten minutes is none.
const steadyBelow = 600;
const slowlyBelow = 3000;
const fastFrom = 12_000;

/** The trend of the last readings; undefined when there are too few to say. The slope is that of least squares. */
export function trendOf(points: readonly Point[], window = windowMS): Trend | undefined {
	const last = points.at(-1);
	if (!last) return undefined;
	const used = points.filter(([ms]) => ms > last[0] - window && ms <= last[0]);
	const first = used[0];
	if (!first || used.length < leastPoints || last[0] - first[0] < leastSpanMS) return undefined;
	const meanX = used.reduce((sum, [ms]) => sum + (ms - first[0]), 0) / used.length;
	const meanY = used.reduce((sum, [, mc]) => sum + mc, 0) / used.length;
	let xy = 0;
	let xx = 0;
	for (const [ms, mc] of used) {
		const x = ms - first[0] - meanX;
		xy += x * (mc - meanY);
		xx += x * x;
	}
	const slope = (xy / xx) * 3_600_000;
	const size = Math.abs(slope);
	if (size < steadyBelow) return { direction: 'steady', pace: 'plain', slope };
	return { direction: slope < 0 ? 'falling' : 'rising', pace: size < slowlyBelow ? 'slowly' : size < fastFrom ? 'plain' : 'fast', slope };
}
