// The arrival check: what is on the label against what was opened and packed. Pure. It never blocks anything.
import type { S } from '../lib/api';

/** What somebody read on the label. */
export interface Label {
	/** Commitment that the ledger made of the typed or scanned donor ID. */
	donor: string;
	organ: string;
	side: string;
	/** Blood group; empty when it was not read. */
	abo: string;
}

export type Part = 'donor' | 'organ' | 'side' | 'abo';

/** Blood group as packing states it; undefined when it does not. */
export function packedABO(s: S['Shipment']): string | undefined {
	return s.history.filter((h) => h.kind === 'pack' && h.standing === 'applied' && h.abo).at(-1)?.abo;
}

/** The parts that are not as opened or packed; none is a match. */
export function differing(s: S['Shipment'], l: Label): Part[] {
	const out: Part[] = [];
	if (s.donor !== l.donor) out.push('donor');
	if (s.summary.organ !== l.organ) out.push('organ');
	if ((s.summary.side ?? '') !== l.side) out.push('side');
	const abo = packedABO(s);
	if (abo && l.abo && abo !== l.abo) out.push('abo');
	return out;
}

/** Whether the case has a donor ID to compare with: one that was opened without is all zeros. */
export const hasDonor = (s: S['Shipment']) => /[^0]/.test(s.donor);

/** What was asked, never changes: how a code reads when people type it by hand or a scanner adds to it. */
export const cleanCode = (text: string) => text.replace(/\s+/g, ' ').trim();
