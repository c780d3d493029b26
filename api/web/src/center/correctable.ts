// What a correction may change of an act (FORMAT.md, 'Correction'), and how it is entered. Pure.
import type { S } from '../lib/api';
import { aboNames, arrivalNames, labelCheckNames, organNames, packagingNames, preservationNames, resultNames, sideNames, type Statement } from '../sign/act';

export type Entered = 'text' | 'code' | 'time' | 'condition';

export interface Field {
	/** Name in the catalogue: center.field.<name>. */
	name: string;
	/** Of the statement. */
	key: keyof Statement;
	entered: Entered;
	/** Names of the codes, by number. */
	codes?: readonly string[];
	/** As the act says it now; empty when it says nothing. */
	now: (a: S['Act']) => string;
	/** Kinds of acts that say it. */
	kinds: readonly string[];
}

const all = ['open', 'stand-down', 'pack', 'release', 'accept', 'receive', 'arrival-check', 'outcome', 'close', 'move', 'waypoint', 'adverse-event', 'preserve', 'open-box'];
const hands = ['pack', 'release', 'accept', 'receive', 'open-box', 'move'];

const fields: readonly Field[] = [
	{ name: 'happened', key: 'saysTimeMS', entered: 'time', now: (a) => String(a.event_time_ms), kinds: all },
	{ name: 'seal', key: 'seal', entered: 'text', now: (a) => a.seal ?? '', kinds: hands },
	{ name: 'place', key: 'place', entered: 'text', now: (a) => a.place ?? '', kinds: [...hands, 'arrival-check', 'preserve', 'waypoint', 'adverse-event'] },
	{ name: 'condition', key: 'condition', entered: 'condition', now: (a) => a.condition ?? '', kinds: hands },
	{ name: 'organ', key: 'organ', entered: 'code', codes: organNames, now: (a) => a.organ ?? '', kinds: ['open', 'pack', 'arrival-check'] },
	{ name: 'side', key: 'side', entered: 'code', codes: sideNames, now: (a) => a.side ?? '', kinds: ['open', 'pack', 'arrival-check'] },
	{ name: 'abo', key: 'abo', entered: 'code', codes: aboNames, now: (a) => a.abo ?? '', kinds: ['pack', 'arrival-check'] },
	{ name: 'cold', key: 'coldMS', entered: 'time', now: (a) => (a.cold_ms ? String(a.cold_ms) : ''), kinds: ['pack'] },
	{ name: 'packaging', key: 'packaging', entered: 'code', codes: packagingNames, now: (a) => a.packaging ?? '', kinds: ['pack'] },
	{ name: 'space', key: 'space', entered: 'text', now: (a) => a.space ?? '', kinds: ['pack', 'move'] },
	{ name: 'label', key: 'labelCheck', entered: 'code', codes: labelCheckNames, now: (a) => a.label_check ?? '', kinds: ['pack'] },
	{ name: 'answer', key: 'arrival', entered: 'code', codes: arrivalNames, now: (a) => a.arrival ?? '', kinds: ['arrival-check'] },
	{ name: 'result', key: 'result', entered: 'code', codes: resultNames, now: (a) => a.outcome ?? '', kinds: ['outcome'] },
	{ name: 'preservation', key: 'preservation', entered: 'code', codes: preservationNames, now: (a) => a.preservation ?? '', kinds: ['preserve'] },
	{ name: 'reference', key: 'reference', entered: 'text', now: (a) => a.reference ?? '', kinds: all },
];

/** What can be corrected of an act of a kind. */
export function correctable(kind: string): Field[] {
	return fields.filter((f) => f.kinds.includes(kind));
}
