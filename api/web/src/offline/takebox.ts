// Takes what a box says of itself, from its QR code or a link: its newest head, what it knows of cases, and which acts it has.
import { rememberBox } from '../sign/casecopy';
import type { BoxState } from './envelope';
import { outbox } from './outbox.svelte';

/** Keeps it for signing without a network and marks acts that the box has. Returns the box, or '' when the code holds no head. */
export async function takeBox(x: BoxState): Promise<string> {
	const box = await rememberBox(x);
	if (box) for (const a of x.acts) await outbox.onBox(a.id, a.seq);
	return box;
}
