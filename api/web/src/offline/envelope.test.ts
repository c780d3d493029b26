import { encode } from 'uqr';
import { expect, test } from 'vitest';
import { Kind } from '../sign/act';
import { toBase64URL, toHex } from '../sign/bytes';
import { headAt, makeAct, vectorAct } from '../sign/testing';
import vectors from '../sign/testdata/acts.json';
import { boxToFragment, boxToQR, Collector, isBoxAddress, maxFrame, parse, parseBox, toFragment, toQR, type BoxState } from './envelope';

const box: BoxState = {
	head: headAt(4312), address: 'http://192.168.4.1:7400', nowMS: 1_790_000_000_000, recorded: 4312, flushed: 4310, receipted: 4000, unsent: 310, waitingSinceMS: 1_789_999_000_000,
	shipments: [{ shipment: '09'.repeat(16), tip: '0a'.repeat(32), alarm: true }, { shipment: '19'.repeat(16), alarm: false }],
	acts: [{ id: '77'.repeat(16), seq: 4311 }],
};

test.each(vectors.acts.map((a) => a.name))('%s comes back from a code, a link and a fragment', async (name) => {
	const act = vectorAct(name);
	const reader = new Collector();
	let got;
	for (const frame of await toQR(act)) got = await reader.add(frame);
	expect(got).toEqual({ kind: 'act', act });
	const fragment = await toFragment(act);
	expect(fragment).toMatch(/^act=[A-Za-z0-9_-]+$/);
	for (const text of [fragment, `#${fragment}`, `https://ledger.example/take#${fragment}`, `#box=AA&${fragment}`.replace('box=AA&', '')]) expect(await parse(text)).toEqual(act);
});

// Both with all that a handoff has: head in the statement and beside the signature, seal, place, position.
const handoff = { place: 'Airfield, general aviation gate 4', seal: '0417', head: headAt(4312), to: { person: '62'.repeat(16), organisation: 'North Air' },
	position: { latE7: 601_699_000, lonE7: 249_384_000 } };

test('a realistic release and accept fit into one code of 1 kB each', async () => {
	for (const fields of [{ ...handoff, kind: Kind.Release, validMS: 1_790_001_800_000 }, { ...handoff, kind: Kind.Accept, condition: 'CC SB' }]) {
		const act = await makeAct({ ...fields, reason: 0 });
		const frames = await toQR(act);
		expect(frames).toHaveLength(1);
		const compressed = ((frames[0]!.length - 6) * 2) / 3;
		expect(compressed).toBeLessThanOrEqual(1024);
		expect(encode(frames[0]!).version).toBeLessThanOrEqual(22); // read from a screen at arm's length
		expect(`https://ledger.example/take#${await toFragment(act)}`.length).toBeLessThan(1500);
	}
});

test('a code is written in what a QR code packs best', async () => {
	const [frame] = await toQR(vectorAct('release'));
	expect(frame).toMatch(/^[0-9A-Z $%*+\-./:]+$/);
	expect(encode(frame!).version).toBeLessThan(encode(frame!.toLowerCase()).version);
});

test('an act that is too large for one code comes in several, in any order, also twice', async () => {
	const legs = Array.from({ length: 16 }, (_, i) => ({ from: `Place ${i * 7919}`, to: toHex(crypto.getRandomValues(new Uint8Array(40))), mode: 1, departMS: i, arriveMS: i, start: { latE7: i, lonE7: i },
		end: { latE7: i, lonE7: i }, radiusM: 500 }));
	const act = await makeAct({ kind: Kind.Waypoint, leg: 1, legState: 1, legs, reason: 0 });
	const frames = await toQR(act);
	expect(frames.length).toBeGreaterThan(1);
	for (const f of frames) expect(f.length).toBeLessThanOrEqual(maxFrame + 12);
	const reader = new Collector();
	const [first, ...rest] = [...frames].reverse();
	expect(await reader.add(first!)).toEqual({ kind: 'part', have: 1, of: frames.length });
	expect(await reader.add(first!)).toEqual({ kind: 'part', have: 1, of: frames.length });
	let got;
	for (const f of rest) got = await reader.add(f);
	expect(got).toEqual({ kind: 'act', act });
	// Frames of another act begin anew.
	const other = await toQR(await makeAct({ kind: Kind.Waypoint, leg: 2, legState: 1, legs: [...legs].reverse(), reason: 0 }));
	const mixed = new Collector();
	await mixed.add(frames[0]!);
	expect(await mixed.add(other[0]!)).toMatchObject({ kind: 'part', have: 1 });
});

test('what a box says comes back from its code and link', async () => {
	expect(await parseBox((await boxToQR(box))[0]!)).toEqual(box);
	const link = `https://ledger.example/carry#${await boxToFragment(box)}`;
	expect(await parseBox(link)).toEqual(box);
	expect(await parse(link)).toBeUndefined();
	expect(await boxToQR(box)).toHaveLength(1);
	await expect(boxToFragment({ ...box, address: 'javascript:alert(1)' }).then(parseBox)).rejects.toThrow();
});

test('a box is where a box can be', async () => {
	for (const address of ['http://127.0.0.1:7401', 'http://localhost:1', 'http://10.0.0.7', 'http://172.31.0.1:80', 'http://169.254.3.4', 'http://[::1]:7400', 'http://[fd00::7]', 'http://[fe80::1]:7400']) {
		expect(isBoxAddress(address), address).toBe(true);
	}
	for (const address of ['https://box.example', 'http://10.example.org', 'http://127.0.0.1.example', 'http://8.8.8.8', 'http://172.32.0.1', 'http://134744072', 'http://[2001:db8::1]', 'http://[::ffff:808:808]', 'http://10.0.0.7/x', 'http://a@10.0.0.7', 'ftp://10.0.0.7', 'http://']) {
		expect(isBoxAddress(address), address).toBe(false);
	}
	await expect(boxToFragment({ ...box, address: 'https://box.example' }).then(parseBox)).rejects.toThrow(/address of a box/);
});

test('a code of somebody else is none of ours, a damaged one is told', async () => {
	for (const text of ['', 'hello', 'https://example.org/', 'WIFI:S:box;;', 'L4-7Q2X', 'ISO2:A', 'act=']) expect(await parse(text)).toBeUndefined();
	const [frame] = await toQR(vectorAct('release'));
	for (const bad of [frame!.slice(0, -4), frame!.replace(/.$/, '!'), frame!.slice(0, 40) + frame!.slice(41), 'ISO1:A', 'ISO1:A0/2.AA', 'ISO1:A3/2.AA', 'ISO1:A2/99.AA', 'ISO1:A:::', '#act=AAAA', '#act=A']) {
		await expect(parse(bad), bad).rejects.toThrow();
	}
});

test('a small code that holds gigabytes is stopped', async () => {
	const stream = new Blob([new Uint8Array(5_000_000)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
	const bomb = toBase64URL(new Uint8Array(await new Response(stream).arrayBuffer()));
	await expect(parse(`act=${bomb}`)).rejects.toThrow(/more than it may/);
});
