// The box's code: what the app needs of the box when neither has a network. And the acts that were given to the box from this page.
import { boxToFragment, boxToQR, type BoxState } from '../offline/envelope';
import { getHead, getStatus } from './status';

const key = 'isotherm-acts';
const maxActs = 8;

/** Acts that the box took from this page, newest last. They are told in its code. */
export function givenActs(): BoxState['acts'] {
	try {
		const list = JSON.parse(sessionStorage.getItem(key) ?? '[]') as BoxState['acts'];
		return list.filter((a) => /^[0-9a-f]{32}$/.test(a.id) && Number.isSafeInteger(a.seq));
	} catch {
		return [];
	}
}

export function rememberGiven(id: string, seq: number): void {
	try {
		sessionStorage.setItem(key, JSON.stringify([...givenActs().filter((a) => a.id !== id), { id, seq }].slice(-maxActs)));
	} catch {
		/* the app hears of it from the ledger */
	}
}

export interface Code {
	frames: string[];
	/** Link to the app, undefined when the box knows none. */
	link: string | undefined;
	size: number;
	atMS: number;
}

/** Makes the code of this moment. */
export async function makeCode(): Promise<Code> {
	const [head, s] = [await getHead(), await getStatus()];
	const state: BoxState = {
		head, address: location.origin, nowMS: s.now_ms, recorded: s.recorded, flushed: s.flushed, receipted: s.receipted, unsent: s.unsent,
		waitingSinceMS: s.link.waiting_since_ms, shipments: s.shipments.map((x) => ({ shipment: x.shipment, ...(x.tip ? { tip: x.tip } : {}), alarm: x.alarm })), acts: givenActs(),
	};
	const size = Number(new TextDecoder().decode(head).split('\n')[1]);
	return { frames: await boxToQR(state), link: s.pages ? `${s.pages}/carry#${await boxToFragment(state)}` : undefined, size, atMS: s.now_ms };
}
