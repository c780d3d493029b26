// Positions of a trip: the way in pieces, where the box was at a time, how far it went. Pure.
import type { S } from '../lib/api';

export type Fix = S['SeriesFix'];
export type LatLng = [lat: number, lng: number];

/** A position this far from the time asked for says nothing of it. */
export const fartherMS = 120_000;

const e7 = 1e7;

export function latLng(p: S['Position']): LatLng {
	return [p.lat_e7 / e7, p.lon_e7 / e7];
}

/** Fixes in the order of their time. */
export function ordered(fixes: readonly Fix[]): Fix[] {
	return [...fixes].sort((a, b) => a.wall_ms - b.wall_ms);
}

/** The way in pieces: no line is drawn over a time without positions. */
export function piecesOf(fixes: readonly Fix[]): Fix[][] {
	const steps = fixes.slice(1).map((f, i) => f.wall_ms - (fixes[i]?.wall_ms ?? f.wall_ms));
	const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0;
	const apart = Math.max(fartherMS, 4 * usual);
	const out: Fix[][] = [];
	fixes.forEach((f, i) => {
		const piece = out.at(-1);
		if (piece === undefined || (steps[i - 1] ?? 0) > apart) out.push([f]);
		else piece.push(f);
	});
	return out;
}

/** The piece of each piece that lies in a time, with one fix on either side so that it has a length. */
export function during(pieces: readonly Fix[][], fromMS: number, toMS: number): Fix[][] {
	const out: Fix[][] = [];
	for (const piece of pieces) {
		const first = piece.findIndex((f) => f.wall_ms >= fromMS);
		const last = piece.findLastIndex((f) => f.wall_ms <= toMS);
		if (first < 0 || last < 0 || (piece[last]?.wall_ms ?? 0) < fromMS - fartherMS) continue;
		if (first > last) {
			// between two fixes
			if ((piece[first]?.wall_ms ?? 0) - (piece[last]?.wall_ms ?? 0) <= fartherMS) out.push(piece.slice(last, first + 1));
			continue;
		}
		out.push(piece.slice(first, last + 1));
	}
	return out;
}

/** The fix nearest to a time, undefined when none is near enough to say where the box was. */
export function fixAt(fixes: readonly Fix[], ms: number): Fix | undefined {
	let best: Fix | undefined;
	for (const f of fixes) if (best === undefined || Math.abs(f.wall_ms - ms) < Math.abs(best.wall_ms - ms)) best = f;
	return best !== undefined && Math.abs(best.wall_ms - ms) <= fartherMS ? best : undefined;
}

const earthM = 6_371_008.8;

/** Great circle distance in metres. */
export function metres(a: LatLng, b: LatLng): number {
	const rad = Math.PI / 180;
	const dLat = (b[0] - a[0]) * rad;
	const dLng = (b[1] - a[1]) * rad;
	const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[0] * rad) * Math.cos(b[0] * rad) * Math.sin(dLng / 2) ** 2;
	return 2 * earthM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** A receiver at rest wanders: steps shorter than this are not added up. */
const restM = 30;

/** The recorded way in metres. What lies between pieces is not in it. */
export function lengthOf(pieces: readonly Fix[][]): number {
	let sum = 0;
	for (const piece of pieces) {
		let from: LatLng | undefined;
		for (const f of piece) {
			const at = latLng(f);
			const d = from === undefined ? Infinity : metres(from, at);
			if (d < restM) continue;
			if (from !== undefined) sum += d;
			from = at;
		}
	}
	return sum;
}

/** A place that is named on the map. */
export interface Stop {
	readonly name: string;
	readonly at: LatLng;
	readonly radiusM: number;
}

/** The places of the plan, each once. */
export function stopsOf(legs: readonly S['Leg'][]): Stop[] {
	const out: Stop[] = [];
	for (const leg of legs) {
		for (const [name, p] of [
			[leg.from, leg.start],
			[leg.to, leg.end],
		] as const) {
			if (p === undefined || out.some((s) => s.name === name)) continue;
			out.push({ name, at: latLng(p), radiusM: leg.radius_m ?? 0 });
		}
	}
	return out;
}

/** An act on the map: where it says, else where the box was. */
export interface Placed {
	readonly act: S['Act'];
	readonly at: LatLng | undefined;
}

const shown = ['pack', 'release', 'accept', 'receive', 'move', 'open-box'];

export function actsOf(history: readonly S['Act'][], fixes: readonly Fix[]): Placed[] {
	const acts = history.filter((a) => a.standing === 'applied' && shown.includes(a.kind));
	const answered = acts.filter((a) => a.kind === 'accept' || a.kind === 'receive').map((a) => a.parent);
	return acts
		.filter((a) => a.kind !== 'release' || !answered.includes(a.hash))
		.map((act) => {
			const fix = fixAt(fixes, act.event_time_ms);
			return { act, at: act.position !== undefined ? latLng(act.position) : fix === undefined ? undefined : latLng(fix) };
		});
}

/** Degrees as '60.1650° N'. */
export function degrees(value: number, positive: string, negative: string): string {
	return `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
}
