// What was checked at a handoff, and what of it is signed. Pure.
import { condition } from '../sign/codes';
import { sealText } from './seal';

export interface Checked {
	/** Label as read on the box; empty when nobody looked. */
	label: string;
	seal: string;
	/** Codes of HL7 v2 table 0544. */
	found: string[];
	place: string;
}

export const unchecked = (): Checked => ({ label: '', seal: '', found: [], place: '' });

/** The fields of the statement: what was not looked at is left out. */
export function checkedFields(c: Checked, sealBefore: string): { seal?: string; condition?: string; place?: string } {
	const seal = sealText(c.seal, sealBefore);
	const found = condition(c.found);
	const place = c.place.trim();
	return { ...(seal ? { seal } : {}), ...(found ? { condition: found } : {}), ...(place ? { place } : {}) };
}
