import { describe, expect, test } from 'vitest';
import vectors from './testdata/acts.json';
import * as codes from './codes';
import { addSignature, decodeAct, encodeAct, encodeStatement, hashStatement, newAct, signaturesMatch, verifyAct, type Act, type Role, type Statement } from './act';
import { fromHex, toHex } from './bytes';
import { decodeOrganisationCard, decodePersonCard, signOrganisationCard, signPersonCard, type OrganisationCard, type PersonCard } from './card';
import { signerOf } from './testing';


/** The statement of a vector: bytes are hexadecimal there. */
function statementOf(fields: Record<string, unknown>): Statement {
	const out: Record<string, unknown> = { ...fields };
	for (const name of ['head', 'newHead', 'profile']) if (typeof out[name] === 'string') out[name] = fromHex(out[name]);
	return out as unknown as Statement;
}

test('there are vectors of every kind', () => {
	expect(vectors.acts.map((a) => a.statement.kind).sort((a, b) => a - b)).toEqual([...Object.values(codes.Kind), codes.Kind.Correction].sort((a, b) => a - b));
	expect(vectors.statements.length).toBeGreaterThan(20);
	expect(vectors.refused.length).toBeGreaterThan(10);
});

describe.each(vectors.acts)('act $name', (v) => {
	test('has the same statement, hash and signatures as in Go', async () => {
		let act: Act = newAct(statementOf(v.statement));
		expect(toHex(act.bytes)).toBe(v.bytes);
		expect(await hashStatement(act.bytes)).toBe(v.hash);
		for (const s of v.signers) {
			act = await addSignature(act, await signerOf(s.seed), { person: s.person, role: s.role as Role, signedAtMS: s.signedAtMS, head: fromHex(s.head) });
		}
		expect(toHex(encodeAct(act))).toBe(v.act);
	});

	test('is read back as it was written, and verifies', async () => {
		const act = decodeAct(fromHex(v.act));
		expect(act.statement).toEqual(statementOf(v.statement));
		expect(toHex(encodeAct(act))).toBe(v.act);
		const keys: Record<string, string> = {};
		for (const s of v.signers) keys[s.person] = toHex((await signerOf(s.seed)).publicKey);
		expect(await verifyAct(act, keys)).toBe('');
		expect(await signaturesMatch(act)).toBe(true);
	});

	test('does not verify when anything is changed', async () => {
		const act = decodeAct(fromHex(v.act));
		const s = act.signatures[0]!;
		const keys = { [s.person]: toHex(s.signature.key) };
		expect(await verifyAct({ ...act, signatures: [{ ...s, signedAtMS: s.signedAtMS + 1 }] }, keys)).toMatch(/does not match/);
		expect(await verifyAct({ ...act, signatures: [{ ...s, head: fromHex('00') }] }, keys)).toMatch(/does not match/);
		const other = newAct({ ...act.statement, place: 'elsewhere' });
		expect(await verifyAct({ ...other, signatures: [s] }, keys)).toMatch(/does not match/);
		expect(await verifyAct({ ...act, signatures: [s] }, {})).toMatch(/not known/);
		expect(await verifyAct({ ...act, signatures: [s] }, { [s.person]: '00'.repeat(32) })).toMatch(/another key/);
		expect(await verifyAct({ ...act, signatures: [{ ...s, role: 2 }] }, keys)).not.toBe('');
		expect(await verifyAct({ ...act, signatures: [] }, keys)).toMatch(/not signed by the person/);
	});
});

test.each(vectors.statements)('statement $name has the same bytes and hash as in Go', async (v) => {
	const b = encodeStatement(statementOf(v.statement));
	expect(toHex(b)).toBe(v.bytes);
	expect(await hashStatement(b)).toBe(v.hash);
});

test.each(vectors.refused)('refuses $why', (v) => {
	expect(() => decodeAct(fromHex(v.act))).toThrow();
});

test('no byte of an act can be changed and still be read as the same act', () => {
	const whole = fromHex(vectors.acts[3]!.act);
	for (let i = 0; i < whole.length; i++) {
		const b = whole.with(i, whole[i]! ^ 1);
		let again: string | undefined;
		try {
			again = toHex(encodeAct(decodeAct(b)));
		} catch {
			continue;
		}
		expect(again).toBe(toHex(b));
	}
});

test('a statement that lacks what its kind must say is not made', () => {
	for (const v of vectors.acts) {
		const s = statementOf(v.statement);
		expect(() => encodeStatement({ ...s, id: '00'.repeat(16) })).toThrow(/no id/);
		if (s.kind !== codes.Kind.Open) expect(() => encodeStatement({ ...s, parent: '' })).toThrow(/no parent/);
		expect(() => encodeStatement({ ...s, eventTimeMS: -1 })).toThrow(/1970 to 9999/);
		expect(() => encodeStatement({ ...s, zone: 841 })).toThrow(/zone/);
		expect(() => encodeStatement({ ...s, place: 'x'.repeat(201) })).toThrow(/longer than 200/);
		expect(() => encodeStatement({ ...s, place: '\ud800' })).toThrow(/well-formed/);
		expect(() => encodeStatement({ ...s, eventTimeMS: 1.5 })).toThrow();
	}
	const release = statementOf(vectors.acts[3]!.statement);
	expect(() => encodeStatement({ ...release, to: { organisation: '' } })).toThrow(/no accepter/);
});

test.each(vectors.people)("person's card $fields.role $fields.why is the same as in Go", async (v) => {
	const card = v.fields as unknown as PersonCard;
	expect(toHex(await signPersonCard(card, await signerOf(v.seed)))).toBe(v.bytes);
	const { signature, ...again } = decodePersonCard(fromHex(v.bytes));
	expect(again).toEqual(card);
	expect(signature.sig).toHaveLength(64);
});

test.each(vectors.organisations)("organisation's card $fields.kind is the same as in Go", async (v) => {
	const card = v.fields as unknown as OrganisationCard;
	expect(toHex(await signOrganisationCard(card, await signerOf(v.seed)))).toBe(v.bytes);
	const { signature: _, ...again } = decodeOrganisationCard(fromHex(v.bytes));
	expect(again).toEqual(card);
});

test('codes have the numbers and names of the ledger', () => {
	const lists: Record<string, readonly string[]> = {
		kind: codes.kindNames, organ: codes.organNames, side: codes.sideNames, arrival: codes.arrivalNames, result: codes.resultNames, abo: codes.aboNames,
		packaging: codes.packagingNames, preservation: codes.preservationNames, labelCheck: codes.labelCheckNames, segment: codes.segmentNames,
		evidence: codes.evidenceNames, legState: codes.legStateNames, mode: codes.modeNames,
	};
	const { reason, condition, ...names } = vectors.names;
	expect(Object.keys(lists).sort()).toEqual(Object.keys(names).sort());
	for (const [what, list] of Object.entries(names)) expect(Object.entries(lists[what]!).slice(1).map(([n, name]) => ({ number: Number(n), name }))).toEqual(list);
	expect(Object.entries(codes.reasonNames).map(([n, name]) => ({ number: Number(n), name }))).toEqual(reason);
	expect(condition.map((c) => c.name)).toEqual(codes.conditionCodes);
	for (const kind of Object.values(codes.Kind)) {
		expect(codes.reasonsFor(kind)).toEqual((vectors.reasons as Record<string, number[]>)[codes.kindNames[kind]!] ?? []);
	}
	expect(codes.condition(['XREF', 'CC', 'CC'])).toBe('CC XREF');
	expect(() => codes.condition(['XX'])).toThrow();
	expect(codes.codeOf(codes.organNames, 'liver')).toBe(codes.Organ.Liver);
	expect(codes.codeOf(codes.organNames, '')).toBe(0);
});
