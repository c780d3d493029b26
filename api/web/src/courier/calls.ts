// Numbers to call about a case: as its opening says, else as the organisations' cards do. Pure.
import type { S } from '../lib/api';
import { decodeAct } from '../sign/act';
import { fromBase64 } from '../sign/bytes';

export interface CallNumber {
	who: 'destination' | 'origin' | 'custodian' | 'offered' | 'operator';
	organisation: string;
	phone: string;
}

/** The two numbers of the opening, corrections worked in. */
export function phonesOf(history: readonly S['Act'][]): { from: string; dest: string } {
	const out = { from: '', dest: '' };
	const opening = history.find((a) => a.kind === 'open' && a.standing === 'applied');
	for (const a of history) {
		if (a !== opening && !(a.kind === 'correction' && a.standing === 'applied' && a.cites === opening?.hash)) continue;
		try {
			const s = decodeAct(fromBase64(a.bytes)).statement;
			out.from = s.fromPhone || out.from;
			out.dest = s.destPhone || out.dest;
		} catch {
			/* an act of a later version: the organisations' own numbers do */
		}
	}
	return out;
}

/** Everybody worth calling, the destination first; each organisation and each number once. */
export function numbers(x: S['Shipment'], phone: (code: string) => string | undefined, operator: string | undefined, own: string): CallNumber[] {
	const said = phonesOf(x.history);
	const s = x.summary;
	const all: CallNumber[] = [
		{ who: 'destination', organisation: s.dest, phone: said.dest || (phone(s.dest) ?? '') },
		{ who: 'origin', organisation: s.from, phone: said.from || (phone(s.from) ?? '') },
		{ who: 'custodian', organisation: s.custodian?.organisation ?? '', phone: phone(s.custodian?.organisation ?? '') ?? '' },
		{ who: 'offered', organisation: s.pending?.organisation ?? '', phone: phone(s.pending?.organisation ?? '') ?? '' },
		{ who: 'operator', organisation: '', phone: operator ?? '' },
	];
	return all.filter((n, i) => n.phone !== '' && (n.organisation !== own || n.who === 'operator') && all.findIndex((m) => m.phone === n.phone) === i);
}

/** What a tel: link wants of a number as people write it. */
export function telLink(phone: string): string {
	return 'tel:' + phone.replace(/[^+\d,]/g, ''); // with * and # a number that somebody else typed could be an order to the phone (USSD)
}
