import { expect, test } from 'vitest';
import { t } from '../i18n';
import { batteryText, batteryTrouble, doText, handlingText, leftText, levelOf, troubled, troubleText } from './senses';
import type { Battery, Device } from './status';

const device = (part: Partial<Device>): Device => ({ device: 'gnss', state: 'live', since_ms: 1, ...part });
const battery = (part: Partial<Battery>): Battery => ({ state: 'discharging', event_time_ms: 1, ...part });

test('only devices that do not work are trouble', () => {
	const list = [device({}), device({ state: 'opening' }), device({ state: 'down' }), device({ state: 'opening', fault: 'busy' }), device({ state: 'down', fault: 'unplugged' }), device({ state: 'no_fix', fault: 'no_fix' })];
	expect(troubled(list).map((d) => d.state)).toEqual(['opening', 'down', 'no_fix']);
	expect(troubled(undefined)).toEqual([]);
});

test.each<[Partial<Device>, string, string | undefined, string]>([
	[{ state: 'down', fault: 'unplugged' }, 'satellite receiver: unplugged', 'box.device.do.plug', 'medium'],
	[{ state: 'down', fault: 'denied' }, 'satellite receiver: no permission to open it', 'box.device.do.setup', 'medium'],
	[{ device: 'probe 0', state: 'silent', fault: 'timeout' }, 'probe 0: no answer in time', 'box.device.do.cable', 'medium'],
	[{ device: 'line 1', state: 'silent', fault: 'silent' }, 'probe line 1: sends nothing', 'box.device.do.cable', 'medium'],
	[{ device: 'handling 0', state: 'down', fault: 'not_found' }, 'handling sensor 0: not there', 'box.device.do.plug', 'medium'],
	[{ device: 'probe 0', state: 'stale' }, 'probe 0: values too old', 'box.device.do.cable', 'medium'],
	[{ state: 'no_fix', fault: 'void' }, 'satellite receiver: no position', undefined, 'low'],
	[{ state: 'down', fault: 'fault_4711' }, 'satellite receiver: fault_4711', 'box.device.do.cable', 'medium'],
	[{ state: 'state_99' }, 'satellite receiver: state_99', 'box.device.do.cable', 'medium'],
])('%j', (part, text, todo, level) => {
	const d = device(part);
	expect(troubleText(d)).toBe(text);
	expect(doText(d)).toBe(todo);
	expect(levelOf(d)).toBe(level);
	if (todo) expect(t(todo as 'box.title')).not.toBe(todo);
});

test.each<[Battery | undefined, string, string | undefined]>([
	[undefined, 'battery: this box reports none', undefined],
	[battery({ charge_permille: 870, left_s: 68_400 }), 'box battery 87\u00a0%, about 19\u00a0h', undefined],
	[battery({ charge_permille: 866 }), 'box battery 87\u00a0%', undefined],
	[battery({ charge_permille: 0 }), 'box battery 0\u00a0%', undefined],
	[battery({ charge_permille: 90, left_s: 2700, fault: 'battery_low' }), 'box battery 9\u00a0%, about 45\u00a0min', 'Box battery low'],
	[battery({ state: 'charging', charge_permille: 400, left_s: 9000 }), 'box battery 40\u00a0%, charging', undefined],
	[battery({ state: 'full', charge_permille: 1000 }), 'box battery 100\u00a0%, on outside power', undefined],
	[battery({ millivolts: 12_780 }), 'box battery 12.8\u00a0V', undefined],
	[battery({ millivolts: 12_780, charge_permille: 500 }), 'box battery 50\u00a0%', undefined],
	[battery({ state: 'unknown' }), 'box battery charge not known', undefined],
	[battery({ state: 'unknown', fault: 'undervoltage' }), 'box battery charge not known', 'Box battery: power too weak'],
	[battery({ state: 'unknown', fault: 'gauge_glitch' }), 'Box battery: gauge shows the impossible', 'Box battery: gauge shows the impossible'],
])('battery %j', (b, text, trouble) => {
	expect(batteryText(b)).toBe(text);
	expect(batteryTrouble(b)).toBe(trouble);
});

test('time left is in whole hours from two on', () => {
	expect(leftText(7199)).toBe('1\u00a0h 59\u00a0min');
	expect(leftText(7200)).toBe('2\u00a0h');
});

test('handling in words', () => {
	const h = { value: 0, event_time_ms: 1 };
	expect(handlingText({ ...h, kind: 'lid', on: true })).toBe('opened');
	expect(handlingText({ ...h, kind: 'lid', on: false })).toBe('closed');
	expect(handlingText({ ...h, kind: 'light', on: true, value: 320 })).toBe('light, 320 lux');
	expect(handlingText({ ...h, kind: 'shock', on: true, value: 4350 })).toBe('shock, 4.3 g');
});
