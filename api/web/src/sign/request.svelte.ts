// What a person is asked to sign now. It is apart from how it is signed, so that the frame of the app, which waits for it, stays small.
import type { Act, Statement } from './act';
import type { Names } from './describe';
import type { Prepared } from './draft';
import type { Seen } from './head';
import type { Signer } from './signature';

export interface SignOptions {
	/** Head of the dialog: 'Release the box'. */
	title: string;
	/** What a card says, in one sentence. Of an act the sentence is always made from its statement. */
	meaning?: string;
	/** The button: 'Release'. Left out: 'Sign'. */
	button?: string;
	names?: Names;
}

/** One thing to sign, as the dialog sees it. */
export interface Request {
	options: SignOptions;
	person: string;
	/** What is signed, as far as it is known; undefined for a card. */
	statement: Statement | undefined;
	/** Signed already by others. */
	act?: Act;
	/** Completes what is signed; runs while the PIN is typed, and again at each try. */
	ready: () => Promise<Ready>;
	/** Signs and keeps it. */
	work: (ready: Ready, signer: Signer) => Promise<unknown>;
	done: (result: unknown) => void;
}

export interface Ready {
	prepared?: Prepared;
	seen?: Seen | undefined;
}

let current = $state.raw<Request | undefined>(undefined);
const waiting: Request[] = [];

export const signing = {
	/** What the dialog asks for now. */
	get request(): Request | undefined {
		return current;
	},
	/** Ends the request: with what was signed, or null when the person chose not to. */
	finish(result: unknown): void {
		const r = current;
		current = waiting.shift();
		r?.done(result);
	},
};

/** Puts a request before the person; one waits for the other. */
export function ask<T>(r: Omit<Request, 'done'>): Promise<T | null> {
	return new Promise((resolve) => {
		const request: Request = { ...r, done: (result) => resolve(result as T | null) };
		if (current) waiting.push(request);
		else current = request;
	});
}
