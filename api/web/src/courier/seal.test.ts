import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { checkedFields } from './checked';
import { checkSeal, lastSeal, sameLabel, sealText } from './seal';

describe('checkSeal', () => {
	it.each([
		['0417', '0417', 'same'], ['04 17', '0417', 'same'], ['ab-0417', 'AB 0417', 'same'], ['0418', '0417', 'differs'], ['O417', '0417', 'differs'],
		['', '0417', 'not-read'], ['  ', '0417', 'not-read'], ['0417', '', 'first'], ['0417', undefined, 'first'], ['-', '0417', 'not-read'],
	])('%j after %j is %s', (read, before, want) => {
		expect(checkSeal(read, before)).toBe(want);
	});
});

describe('sealText', () => {
	it('signs the same seal in the same letters, and another as it was read', () => {
		expect(sealText('04 17 ', '0417')).toBe('0417');
		expect(sealText(' 0418 ', '0417')).toBe('0418');
		expect(sealText('', '0417')).toBe('');
	});
});

describe('lastSeal', () => {
	it('is of the newest act that stands', () => {
		const act = (seal: string, standing: string) => ({ seal, standing }) as S['Act'];
		expect(lastSeal([act('1', 'applied'), act('2', 'applied'), act('', 'applied'), act('3', 'conflicting')])?.seal).toBe('2');
		expect(lastSeal([])).toBeUndefined();
	});
});

describe('sameLabel', () => {
	it('takes labels as people type them', () => {
		expect(sameLabel('l4 7q2x', 'L4-7Q2X')).toBe(true);
		expect(sameLabel('L4-7Q2Y', 'L4-7Q2X')).toBe(false);
		expect(sameLabel('', '')).toBe(false);
	});
});

describe('checkedFields', () => {
	it('leaves out what nobody looked at', () => {
		expect(checkedFields({ label: 'x', seal: '', found: [], place: ' ' }, '0417')).toEqual({});
		expect(checkedFields({ label: 'x', seal: '04-17', found: ['XREF', 'CC'], place: ' Airfield ' }, '0417')).toEqual({ seal: '0417', condition: 'CC XREF', place: 'Airfield' });
	});
});
