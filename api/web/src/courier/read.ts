// What a scanned or typed text is: an act, a box's own word, somebody who takes a box, or the label of a box. Pure but for the unpacking.
import { Collector, type BoxState } from '../offline/envelope';

export type Read =
	| { kind: 'act'; act: Uint8Array<ArrayBuffer> }
	| { kind: 'box'; box: BoxState; label?: string }
	| { kind: 'person'; person: string }
	| { kind: 'label'; label: string }
	| { kind: 'shipment'; shipment: string }
	| { kind: 'part'; have: number; of: number }
	| { kind: 'other'; text: string };

function labelOf(text: string): string | undefined {
	const found = /^https?:\/\/[^/]+\/b\/([^/?#]+)/.exec(text);
	if (!found) return undefined;
	try {
		return decodeURIComponent(found[1]!);
	} catch {
		return undefined;
	}
}

/** Reads codes one after another; an act in several frames comes together. One for each scanning. It throws RangeError for a damaged one. */
export class Reader {
	readonly #collector = new Collector();

	async read(raw: string): Promise<Read> {
		const text = raw.trim();
		const found = await this.#collector.add(text);
		const label = labelOf(text);
		if (found?.kind === 'act' || found?.kind === 'part') return found;
		if (found?.kind === 'box') return { kind: 'box', box: found.box, ...(label ? { label } : {}) };
		const person = /[#&?]person=([0-9a-f]{32})(?:$|&)/.exec(text);
		if (person) return { kind: 'person', person: person[1]! };
		if (label) return { kind: 'label', label };
		const shipment = /\/(?:carry|case)\/([0-9a-f]{32})(?:[/?#]|$)/.exec(text);
		if (shipment) return { kind: 'shipment', shipment: shipment[1]! };
		return { kind: 'other', text };
	}
}

/** The code by which somebody else chooses this person as the one who takes a box. */
export function personCode(origin: string, person: string): string {
	return `${origin}/take#person=${person}`;
}
