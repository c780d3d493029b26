// The statement of a custody act: typed names for the keys of FORMAT.md, and their one encoding. Identifiers and hashes are hexadecimal.
// Fields that a kind does not use, and empty ones, are left out.
import { equal, fromHex, toHex } from './bytes';
import { Reader, Writer, type Bytes } from './cbor';
import { Kind, Segment } from './codes';

/** Who acts or holds the box. Person is empty for a desk or an organisation; an organisation is its code, or its name without an account. */
export interface Party {
	person?: string;
	organisation: string;
	desk?: string;
}

/** A place in 1e-7 degrees (WGS 84). */
export interface Position {
	latE7: number;
	lonE7: number;
}

/** One planned part of the way, with circles around its ends. Times are Unix milliseconds, 0 when not known. */
export interface Leg {
	from: string;
	to: string;
	mode: number;
	departMS: number;
	arriveMS: number;
	start: Position;
	end: Position;
	radiusM: number;
}

/** What is signed. Times are Unix milliseconds. */
export interface Statement {
	ledger: string;
	id: string;
	kind: Kind;
	shipment: string;
	parent?: string;
	eventTimeMS: number;
	by: Party;
	to?: Party;
	head?: Bytes;
	box?: string;
	organ?: number;
	side?: number;
	from?: string;
	dest?: string;
	donor?: string;
	profile?: Bytes;
	coldMS?: number;
	place?: string;
	condition?: string;
	seal?: string;
	validMS?: number;
	arrival?: number;
	result?: number;
	cites?: string;
	reason?: number;
	/** Minutes east of UTC in which people typed the times; left out when a device told them. 0 is a zone. */
	zone?: number;
	timeErrorMS?: number;
	space?: string;
	packaging?: number;
	preservation?: number;
	abo?: number;
	labelCheck?: number;
	reference?: string;
	segment?: number;
	newBox?: string;
	newHead?: Bytes;
	legs?: Leg[];
	leg?: number;
	legState?: number;
	position?: Position;
	evidence?: number;
	saysTimeMS?: number;
	fromPhone?: string;
	destPhone?: string;
}

export const limits = { act: 12 << 10, statement: 8 << 10, text: 200, head: 1 << 10, profile: 4 << 10, legs: 16, signatures: 4 } as const;
const version = 1;
const maxTimeMS = 253_402_300_799_999;
const maxZone = 14 * 60;

type Form = 'text' | 'num' | 'code' | 'id' | 'hash' | 'head' | 'profile' | 'party' | 'zone' | 'legs' | 'leg' | 'position';

// Key, name and form of each field, in the order of their keys.
const fields: readonly [key: number, name: keyof Statement, form: Form][] = [
	[2, 'ledger', 'text'], [3, 'id', 'id'], [4, 'kind', 'code'], [5, 'shipment', 'id'], [6, 'parent', 'hash'], [7, 'eventTimeMS', 'num'],
	[8, 'by', 'party'], [9, 'to', 'party'], [10, 'head', 'head'], [11, 'box', 'id'], [12, 'organ', 'code'], [13, 'side', 'code'],
	[14, 'from', 'text'], [15, 'dest', 'text'], [16, 'donor', 'hash'], [17, 'profile', 'profile'], [18, 'coldMS', 'num'], [19, 'place', 'text'],
	[20, 'condition', 'text'], [21, 'seal', 'text'], [22, 'validMS', 'num'], [23, 'arrival', 'code'], [24, 'result', 'code'], [25, 'cites', 'hash'],
	[26, 'reason', 'code'], [27, 'zone', 'zone'], [28, 'timeErrorMS', 'num'], [29, 'space', 'text'], [30, 'packaging', 'code'],
	[31, 'preservation', 'code'], [32, 'abo', 'code'], [33, 'labelCheck', 'code'], [34, 'reference', 'text'], [35, 'segment', 'code'],
	[36, 'newBox', 'id'], [37, 'newHead', 'head'], [38, 'legs', 'legs'], [39, 'leg', 'leg'], [40, 'legState', 'code'],
	[41, 'position', 'position'], [42, 'evidence', 'code'], [43, 'saysTimeMS', 'num'], [44, 'fromPhone', 'text'], [45, 'destPhone', 'text'],
];

const always: readonly (keyof Statement)[] = ['ledger', 'id', 'kind', 'shipment', 'eventTimeMS', 'by'];

function isZero(hex: string): boolean {
	return /^0*$/.test(hex);
}

function partyIsEmpty(p: Party): boolean {
	return isZero(p.person ?? '') && !p.organisation && !p.desk;
}

function isThere(s: Statement, name: keyof Statement, form: Form): boolean {
	const v = s[name];
	if (always.includes(name)) return true;
	if (v === undefined || v === null) return false;
	switch (form) {
		case 'id':
		case 'hash':
			return !isZero(v as string);
		case 'party':
			return !partyIsEmpty(v as Party);
		case 'zone':
		case 'position':
			return true;
		case 'head':
		case 'profile':
		case 'legs':
			return (v as { length: number }).length > 0;
		default:
			return v !== '' && v !== 0;
	}
}

function writeText(w: Writer, v: string): void {
	if (new TextEncoder().encode(v).length > limits.text) throw new RangeError(`a text is longer than ${limits.text} bytes: ${v.slice(0, 40)}`);
	w.text(v);
}

function writePosition(w: Writer, p: Position): void {
	w.array(2).int(p.latE7).int(p.lonE7);
}

function write(w: Writer, form: Form, v: unknown): void {
	switch (form) {
		case 'text':
			return writeText(w, v as string);
		case 'id':
			w.bytes(fromHex(v as string, 16));
			return;
		case 'hash':
			w.bytes(fromHex(v as string, 32));
			return;
		case 'head':
		case 'profile':
			w.bytes(v as Bytes);
			return;
		case 'position':
			return writePosition(w, v as Position);
		case 'party': {
			const p = v as Party;
			w.array(3).bytes(p.person ? fromHex(p.person, 16) : new Uint8Array(16));
			writeText(w, p.organisation);
			return writeText(w, p.desk ?? '');
		}
		case 'legs':
			w.array((v as Leg[]).length);
			for (const l of v as Leg[]) {
				w.array(8);
				writeText(w, l.from);
				writeText(w, l.to);
				w.int(l.mode).int(l.departMS).int(l.arriveMS);
				writePosition(w, l.start);
				writePosition(w, l.end);
				w.int(l.radiusM);
			}
			return;
		default:
			w.int(v as number);
	}
}

/** Returns the canonical bytes. It throws with the reason when the statement says less than its kind must say. */
export function encodeStatement(s: Statement): Bytes {
	const missing = problemOf(s);
	if (missing) throw new RangeError(missing);
	const b = encode(s);
	if (b.length > limits.statement) throw new RangeError(`a statement has ${b.length} bytes, at most ${limits.statement} are allowed`);
	return b;
}

function encode(s: Statement): Bytes {
	const there = fields.filter(([, name, form]) => isThere(s, name, form));
	const w = new Writer().map(there.length + 1).int(1).int(version);
	for (const [key, name, form] of there) {
		w.int(key);
		write(w, form, s[name]);
	}
	return w.done();
}

function readPosition(r: Reader): Position {
	r.arrayOf(2);
	return { latE7: r.int32(), lonE7: r.int32() };
}

function readParty(r: Reader): Party {
	r.arrayOf(3);
	const person = toHex(r.fixed(16));
	const organisation = r.text(limits.text);
	const desk = r.text(limits.text);
	return { ...(isZero(person) ? {} : { person }), organisation, ...(desk ? { desk } : {}) };
}

function readLegs(r: Reader): Leg[] {
	const out: Leg[] = [];
	for (let n = r.array(limits.legs); n > 0; n--) {
		r.arrayOf(8);
		out.push({ from: r.text(limits.text), to: r.text(limits.text), mode: r.uint(255), departMS: r.int(), arriveMS: r.int(),
			start: readPosition(r), end: readPosition(r), radiusM: r.uint(2 ** 32 - 1) });
	}
	return out;
}

function read(r: Reader, form: Form): unknown {
	switch (form) {
		case 'text': return r.text(limits.text);
		case 'id': return toHex(r.fixed(16));
		case 'hash': return toHex(r.fixed(32));
		case 'head': return r.bytes(limits.head);
		case 'profile': return r.bytes(limits.profile);
		case 'party': return readParty(r);
		case 'position': return readPosition(r);
		case 'legs': return readLegs(r);
		case 'zone': return r.int32();
		case 'leg': return r.uint(limits.legs);
		case 'code': return r.uint(255);
		case 'num': return r.int();
	}
}

/** Reads what encodeStatement writes, and nothing else. */
export function decodeStatement(b: Uint8Array): Statement {
	const r = new Reader(b);
	const out: Record<string, unknown> = {};
	let seen = 0;
	r.map(fields.length + 1, (key) => {
		if (key === 1) {
			seen = r.uint();
			return true;
		}
		const field = fields.find(([k]) => k === key);
		if (!field) return false;
		out[field[1]] = read(r, field[2]);
		return true;
	});
	r.done();
	if (seen !== version) throw new RangeError(`statement of version ${seen}, this program knows ${version}`);
	for (const name of always) if (!(name in out)) throw new RangeError(`statement has no ${name}`);
	const s = out as unknown as Statement;
	if (!equal(encode(s), b)) throw new RangeError('statement is not in canonical form');
	const missing = problemOf(s);
	if (missing) throw new RangeError(missing);
	return s;
}

/** Says what the statement would be meaningless without, or what number is no time; empty when nothing is wrong. */
export function problemOf(s: Statement): string {
	const wants: [boolean, string][] = [
		[s.kind >= Kind.Open && s.kind <= Kind.OpenBox, 'known kind'],
		[!!s.ledger, 'ledger origin'],
		[!isZero(s.id), 'id'],
		[!isZero(s.shipment), 'shipment'],
		[!isZero(s.by.person ?? ''), 'person who states it'],
		[s.kind === Kind.Open || !isZero(s.parent ?? ''), 'parent act'],
		[s.kind !== Kind.Open || (!!s.organ && !!s.dest), 'organ or destination'],
		[s.kind !== Kind.Pack || (!isZero(s.box ?? '') && !!s.head?.length && !!s.profile?.length), 'box, box head or profile'],
		[s.kind !== Kind.Release || (!!s.to && !partyIsEmpty(s.to)), 'accepter'],
		[s.kind !== Kind.ArrivalCheck || !!s.arrival, 'answer'],
		[s.kind !== Kind.Outcome || !!s.result, 'result'],
		[(s.kind !== Kind.Correction && s.kind !== Kind.Ruling) || !isZero(s.cites ?? ''), 'act that it cites'],
		[s.kind !== Kind.Move || !!s.segment, 'change of segment'],
		[s.kind !== Kind.Move || s.segment === Segment.NoTracker || (!isZero(s.newBox ?? '') && !!s.newHead?.length), 'new box or its head'],
		[s.kind !== Kind.Waypoint || (!!s.leg && !!s.legState), 'leg or its state'],
		[s.kind !== Kind.AdverseEvent || !!s.reason, 'coded reason'],
		[s.kind !== Kind.Preserve || !!s.preservation, 'state of preservation'],
	];
	for (const [ok, what] of wants) if (!ok) return `statement has no ${what}`;
	const times = [s.eventTimeMS, s.coldMS, s.validMS, s.saysTimeMS, s.timeErrorMS, ...(s.legs ?? []).flatMap((l) => [l.departMS, l.arriveMS])];
	for (const t of times) if (t !== undefined && !(t >= 0 && t <= maxTimeMS)) return `statement has a time of ${t} ms, outside 1970 to 9999`;
	if (s.zone !== undefined && !(Math.abs(s.zone) <= maxZone)) return `statement has a zone of ${s.zone} minutes, at most ${maxZone} are allowed`;
	return '';
}
