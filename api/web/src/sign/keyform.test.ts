import { expect, test } from 'vitest';
import { pinFaults, standingOf } from './keyform';

test.each([
	[undefined, undefined, undefined, 'none'],
	[undefined, undefined, 'aa', 'none'], // the key is on another device
	['aa', undefined, undefined, 'waiting'],
	[undefined, 'aa', undefined, 'waiting'],
	[undefined, 'aa', 'bb', 'waiting'],
	['aa', 'bb', 'aa', 'waiting.both'],
	['aa', undefined, 'aa', 'ready'],
	['aa', undefined, 'bb', 'unknown'],
])('signs %s, waits %s, ledger %s: %s', (signs, waits, ledger, want) => expect(standingOf(signs, waits, ledger)).toBe(want));

test('PINs of a new key', () => {
	expect(pinFaults('271828', '271828')).toEqual({});
	expect(pinFaults('27182', '27182')).toEqual({ first: 'short' });
	expect(pinFaults('27182x', '27182x')).toEqual({ first: 'digits' });
	expect(pinFaults('1'.repeat(65), '1'.repeat(65))).toEqual({ first: 'long' });
	expect(pinFaults('123456', '123456')).toEqual({ first: 'easy' });
	expect(pinFaults('271828', '271829')).toEqual({ again: 'differs' });
});

test('a change asks for the PIN until now', () => {
	expect(pinFaults('271828', '271828', '314159')).toEqual({});
	expect(pinFaults('271828', '1', '31')).toEqual({ before: 'short', again: 'differs' });
});
