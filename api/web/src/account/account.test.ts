import { describe, expect, test } from 'vitest';
import { nextPlace } from './next';
import { isLogin, passwordErrors } from './password';
import { joinToken, tokenID } from './token';

describe('nextPlace', () => {
	const origin = 'https://ledger.test';
	test.each([
		[null, '/board'],
		['/case/01?x=1#a', '/case/01?x=1#a'],
		['//evil.test/x', '/board'],
		['https://evil.test/', '/board'],
		['/\\evil.test', '/board'],
		['/signin?next=/x', '/board'],
		['/take#act=abc', '/take#act=abc'],
	])('%s', (next, want) => expect(nextPlace(next, 'center', origin)).toBe(want));
});

describe('passwordErrors', () => {
	test.each([
		['j', 'short', 'short', 'first'],
		['login', 'my-LOGIN-is-in-it', 'my-LOGIN-is-in-it', 'first'],
		['a', 'bbbbbbbbbbbbb', 'bbbbbbbbbbbbb', 'first'],
		['login', 'four plain words', 'four plain word', 'again'],
		['login', 'four plain words', 'four plain words', undefined],
	])('%s %s', (login, a, b, where) => expect(Object.keys(passwordErrors(login, a, b))[0]).toBe(where));
});

test('isLogin', () => {
	expect(isLogin(' Name@x+1 ')).toBe(true);
	for (const bad of ['', 'a b', 'ä', 'x'.repeat(65)]) expect(isLogin(bad)).toBe(false);
});

test('joinToken takes nothing but a token of a person', () => {
	const of = (hash: string) => joinToken(new URLSearchParams(hash));
	expect(of('token=isotherm_person_0123456789abcdef')).toBe('isotherm_person_0123456789abcdef');
	for (const bad of ['', 'token=', 'token=isotherm_box_0123456789abcdef', 'token=isotherm_person_x y']) expect(of(bad)).toBe('');
});

test('a token is named as the ledger names it', async () => {
	expect(await tokenID('abc')).toBe('ba7816bf8f01cfea'); // SHA-256 of abc, FIPS 180-2
});
