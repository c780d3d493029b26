// This browser's own check of an act: its bytes, its signatures, and that the keys were its signers' when it was entered.
import { fromBase64, toHex } from '../sign/bytes';
import { api, type S } from '../lib/api';
import { decodeAct, hashAct, verifyAct } from '../sign/act';
import { leafTile, parseProof, rootOf, type TlogProof } from './tlogproof';

/** What a signer was when they signed: of the card that held their key. */
export interface CheckedSigner {
	person: string;
	/** Role in the act: actor or second person. */
	role: string;
	name: string;
	organisation: string;
	/** What the card says that they may do. */
	card: string;
	key: string;
	signedAtMS: number;
}

export interface Check {
	/** Empty when every signature matches the bytes and the keys of the cards. */
	wrong: string;
	/** Hash of the bytes, computed here. */
	hash: string;
	signers: CheckedSigner[];
	checkedMS: number;
}

/** The newest card before an entry that holds the key; undefined when no card before it does. */
export function cardOfKey(cards: S['Person'][], key: string, index: number): S['Person'] | undefined {
	return cards.filter((c) => c.index < index && toHex(fromBase64(c.key)) === key).sort((a, b) => b.version - a.version)[0];
}

export async function checkAct(a: S['Act'], personOf: (id: string) => Promise<S['PersonDetail']>): Promise<Check> {
	const act = decodeAct(fromBase64(a.bytes));
	const hash = await hashAct(act);
	const keys: Record<string, string> = {};
	const signers: CheckedSigner[] = [];
	for (const s of act.signatures) {
		const key = toHex(s.signature.key);
		const { person, cards } = await personOf(s.person);
		const card = cardOfKey(cards, key, a.index);
		if (card) keys[s.person] = key;
		const role = a.signatures.find((x) => x.person === s.person)?.role ?? '';
		signers.push({ person: s.person, role, name: card?.name ?? person.name, organisation: card?.organisation ?? person.organisation, card: card?.role ?? person.role, key, signedAtMS: s.signedAtMS });
	}
	let wrong = await verifyAct(act, keys);
	if (!wrong && hash !== a.hash) wrong = 'hash';
	return { wrong, hash, signers, checkedMS: Date.now() };
}

const known = new Map<string, Promise<S['PersonDetail']>>();

/** A person with all their cards; asked once while the page lives. A failure is asked again. */
export function personDetail(id: string): Promise<S['PersonDetail']> {
	let p = known.get(id);
	if (!p) {
		p = api.get<S['PersonDetail']>(`/v1/people/${id}`);
		known.set(id, p);
		p.catch(() => known.delete(id));
	}
	return p;
}

export interface Place {
	proof: TlogProof;
	/** The path leads from the entry's hash, as the tile says it, to the root of the checkpoint. */
	leads: boolean;
}

/** Asks for an entry's proof, and walks its path here. */
export async function checkPlace(index: number): Promise<Place> {
	const proof = parseProof(await api.text(`/v1/entries/${index}/proof`));
	const tile = leafTile(index, proof.size);
	const hashes = await api.bytes(tile.path);
	const leaf = hashes.slice(tile.at * 32, tile.at * 32 + 32);
	return { proof, leads: proof.index === index && leaf.length === 32 && (await rootOf(leaf, proof)) === proof.root };
}
