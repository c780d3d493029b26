// Texts. Each area has a catalogue, en/<area>.ts, that registers itself when a module imports it: so the texts of an area are in
// the chunk that uses them. src/i18n/i18n.test.ts holds every t('area.…') against the imports of its file.
//
// Another language is a folder beside en/ with the same catalogues, loaded before the app is mounted; what it lacks stays English.
import type account from './en/account';
import type audit from './en/audit';
import type box from './en/box';
import type center from './en/center';
import type chart from './en/chart';
import type courier from './en/courier';
import type demo from './en/demo';
import type handoff from './en/handoff';
import type map from './en/map';
import type offline from './en/offline';
import type operate from './en/operate';
import type prepare from './en/prepare';
import type scan from './en/scan';
import type shell from './en/shell';
import type sign from './en/sign';
import type ui from './en/ui';

/** A text with {placeholders}, or one per plural form of the placeholder {n}. */
export type Text = string | ({ readonly other: string } & { readonly [form in Intl.LDMLPluralRule]?: string });

export interface Catalogues {
	account: typeof account;
	audit: typeof audit;
	box: typeof box;
	center: typeof center;
	chart: typeof chart;
	courier: typeof courier;
	demo: typeof demo;
	handoff: typeof handoff;
	map: typeof map;
	offline: typeof offline;
	operate: typeof operate;
	prepare: typeof prepare;
	scan: typeof scan;
	shell: typeof shell;
	sign: typeof sign;
	ui: typeof ui;
}

export type Area = keyof Catalogues;
/** 'area.key' of every text there is: a missing one does not compile. */
export type Key = { [A in Area]: `${A}.${keyof Catalogues[A] & string}` }[Area];
export type Params = Readonly<Record<string, string | number>>;

/** The language of the pages: of texts, numbers and times. */
export const language = 'en';

const catalogues = new Map<string, Readonly<Record<string, Text>>>();
const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);

/** Makes the texts of an area known, and returns them as they are. */
export function register<const C extends Readonly<Record<string, Text>>>(area: string, texts: C): C {
	catalogues.set(area, texts);
	return texts;
}

function find(key: string): Text | undefined {
	const dot = key.indexOf('.');
	return catalogues.get(key.slice(0, dot))?.[key.slice(dot + 1)];
}

function fill(text: Text, params: Params): string {
	const n = params['n'];
	const form = typeof text === 'string' ? text : (text[typeof n === 'number' ? plural.select(n) : 'other'] ?? text.other);
	return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
		const value = params[name];
		return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value;
	});
}

/** The text with its placeholders filled; numbers are written as the language writes them. */
export function t(key: Key, params: Params = {}): string {
	return fill(find(key) ?? key, params);
}

/** For words that come from the ledger: the text of `area.word` if there is one, else the word itself. */
export function word(area: Area, value: string, prefix = ''): string {
	const text = find(`${area}.${prefix}${value}`);
	return text === undefined ? value : fill(text, {});
}
