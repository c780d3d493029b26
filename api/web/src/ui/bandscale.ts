// Where a temperature stands on a bar that shows its band and as much room on both sides.
export interface BandScale {
	readonly lowEdge: number;
	readonly highEdge: number;
	/** Of the value, clamped to the bar; undefined without one. */
	readonly mark: number | undefined;
	readonly side: 'in' | 'below' | 'above';
	/** The value lies beyond the bar. */
	readonly beyond: boolean;
	readonly fromMC: number;
	readonly toMC: number;
}

/** Positions are per cent of the bar. The band takes its middle 60 %. */
export function bandScale(mc: number | null | undefined, lowMC: number, highMC: number): BandScale {
	const room = Math.max(highMC - lowMC, 1000) / 3;
	const fromMC = lowMC - room;
	const toMC = highMC + room;
	const at = (x: number) => ((x - fromMC) / (toMC - fromMC)) * 100;
	const raw = mc == null ? undefined : at(mc);
	return {
		lowEdge: at(lowMC),
		highEdge: at(highMC),
		mark: raw === undefined ? undefined : Math.min(Math.max(raw, 0), 100),
		side: mc == null || (mc >= lowMC && mc <= highMC) ? 'in' : mc < lowMC ? 'below' : 'above',
		beyond: raw !== undefined && (raw < 0 || raw > 100),
		fromMC,
		toMC,
	};
}
