// The ledger's first entry: the keys that everything else is checked with. Whether they are the right ones is for a policy file that
// came by another way to say.
import { Reader, type Bytes } from '../sign/cbor';
import { openSigned, verify } from '../sign/signature';
import { equal } from '../sign/bytes';
import { verifierKey } from './note';

export interface Genesis {
	origin: string;
	logKey: Bytes;
	operatorKey: Bytes;
	createdMS: number;
	cosigners: { name: string; key: Bytes }[];
	/** The operator's key in it signed it. */
	signed: boolean;
}

const maxBody = 48 << 10;
const maxText = 200;

export async function readGenesis(b: Uint8Array): Promise<Genesis> {
	const { body, signature } = openSigned(b, maxBody);
	const r = new Reader(body);
	r.arrayOf(5);
	const origin = r.text(maxText);
	const logKey = r.fixed(32);
	const operatorKey = r.fixed(32);
	const createdMS = r.int();
	const cosigners: Genesis['cosigners'] = [];
	for (let n = r.array(16); n > 0; n--) {
		r.arrayOf(2);
		cosigners.push({ name: r.text(maxText), key: r.fixed(32) });
	}
	r.done();
	return { origin, logKey, operatorKey, createdMS, cosigners, signed: equal(signature.key, operatorKey) && (await verify(signature, 'genesis', body)) };
}

/** The policy file that these keys give, as ledgerd init writes it. */
export async function policyOf(g: Pick<Genesis, 'origin' | 'logKey' | 'operatorKey'>): Promise<string> {
	return `# isotherm policy: the keys of one ledger. Keep it apart from what it is to verify.\nlog ${await verifierKey(g.origin, g.logKey)}\noperator ${await verifierKey(`${g.origin}/operator`, g.operatorKey)}\n`;
}

/** The two keys of a policy file, without comments: what two files are compared by. undefined when it is none. */
export function policyKeys(text: string): { log: string; operator: string } | undefined {
	const found: Record<string, string> = {};
	for (const line of text.split(/\r?\n/)) {
		if (line.trim() === '' || line.startsWith('#')) continue;
		const [word, value, ...more] = line.trim().split(/\s+/);
		if ((word !== 'log' && word !== 'operator') || value === undefined || more.length > 0 || found[word] !== undefined) return undefined;
		found[word] = value;
	}
	const { log, operator } = found;
	return log !== undefined && operator !== undefined ? { log, operator } : undefined;
}
