// Boxes and the calibration of their probes, as the operator's tables show them. Pure.
import type { S } from '../lib/api';
import { headOf } from '../sign/head';
import { fromBase64 } from '../sign/bytes';
import { endLevel, type Level } from './nodes';

const minute = 60_000;
const hour = 60 * minute;
/** From when on a box counts as silent: underway soon, in a store after a day. */
export const silentUnderWay = 10 * minute;
export const silentElsewhere = 24 * hour;

export function silence(b: S['Box'], now: number): Level {
	const quiet = now - b.last_contact_ms;
	if (b.shipments.length > 0 && quiet >= silentUnderWay) return quiet >= hour ? 'high' : 'medium';
	return quiet >= silentElsewhere ? 'low' : 'none';
}

/** Size of the newest head that the ledger holds of a box: 0 while it only enrolled. */
export function headSize(b: S['Box']): number {
	try {
		return b.head === undefined ? 0 : (headOf(fromBase64(b.head))?.size ?? 0);
	} catch {
		return 0;
	}
}

/** The command that enrols a box, with a token that is typed or read from a file; see trackerd. */
export function enrolCommand(url: string, file = 'token'): string {
	return `trackerd enrol --config box.toml --token-file ${file} --policy policy --ledger ${url} --ca ca.pem`;
}

export interface Calibration {
	number: string;
	untilMS: number;
	recalledMS: number;
	probes: { box: string; label: string; place: string }[];
}

/** The calibration certificates of all boxes, those that end first before the others; and the probes without one. */
export function calibrations(boxes: readonly S['Box'][]): { certificates: Calibration[]; without: Calibration['probes'] } {
	const found = new Map<string, Calibration>();
	const without: Calibration['probes'] = [];
	for (const b of boxes) {
		for (const p of b.probes ?? []) {
			const probe = { box: b.id, label: b.label, place: p.place };
			if (!p.certificate) {
				without.push(probe);
				continue;
			}
			const one = found.get(p.certificate) ?? { number: p.certificate, untilMS: p.until_ms ?? 0, recalledMS: p.recalled_ms ?? 0, probes: [] };
			if (p.until_ms) one.untilMS = one.untilMS === 0 ? p.until_ms : Math.min(one.untilMS, p.until_ms); // two boxes may disagree: the earlier counts
			one.recalledMS = Math.max(one.recalledMS, p.recalled_ms ?? 0);
			one.probes.push(probe);
			found.set(p.certificate, one);
		}
	}
	return { certificates: [...found.values()].sort((a, b) => (a.untilMS || Infinity) - (b.untilMS || Infinity) || a.number.localeCompare(b.number)), without };
}

export type CalibrationState = 'recalled' | 'ended' | 'ends-soon' | 'valid' | 'no-end';

export function calibrationState(c: Calibration, now: number): { state: CalibrationState; level: Level } {
	if (c.recalledMS > 0) return { state: 'recalled', level: 'high' };
	if (c.untilMS === 0) return { state: 'no-end', level: 'low' };
	const level = endLevel(c.untilMS, now);
	return { state: level === 'high' ? 'ended' : level === 'medium' ? 'ends-soon' : 'valid', level };
}
