// What the box's devices say, in words: which of them need somebody, and what to do.
import { t, word, type Key } from '../i18n';
import '../i18n/en/box';
import { duration } from '../lib/format';
import type { Battery, Device, Handling } from './status';

export const faultText = (fault: string): string => word('box', fault, 'fault.');
/** The box's names end in a number when it may have several: 'line 1', 'handling 0'. */
export function deviceText(device: string): string {
	const [, name, n] = /^(line|handling) (\d+)$/.exec(device) ?? [];
	return name ? t(`box.device.${name}` as Key, { n: Number(n) }) : word('box', device, 'device.');
}

/** Doubts come with values: the battery is read, and low. */
const doubts = new Set(['battery_low', 'undervoltage']);

/** Devices that do not work. One that is being opened, or that nobody has tried yet, is no trouble. */
export function troubled(devices: readonly Device[] | undefined): Device[] {
	return (devices ?? []).filter((d) => d.state !== 'live' && !((d.state === 'opening' || d.state === 'down') && !d.fault));
}

export function troubleText(d: Device): string {
	return t('box.device.trouble', { device: deviceText(d.device), what: d.fault && d.state !== 'no_fix' ? faultText(d.fault) : word('box', d.state, 'state.') });
}

const plug = new Set(['not_found', 'unplugged']);
const setup = new Set(['busy', 'denied', 'not_a_tty', 'wrong_baud', 'saturated', 'unsupported', 'ambiguous', 'unit_mismatch', 'wrong_function', 'exception']);

/** What to do about a device; nothing about a receiver that has no position for now. */
export function doText(d: Device): Key | undefined {
	if (d.state === 'no_fix') return undefined;
	if (plug.has(d.fault ?? '')) return 'box.device.do.plug';
	return setup.has(d.fault ?? '') ? 'box.device.do.setup' : 'box.device.do.cable';
}

/** A receiver under a roof has no position: that is told, and needs nobody. */
export const levelOf = (d: Device): 'medium' | 'low' => (d.state === 'no_fix' ? 'low' : 'medium');

export function batteryText(b: Battery | undefined): string {
	if (!b) return t('box.battery.none');
	if (b.charge_permille === undefined && b.fault && !doubts.has(b.fault)) return t('box.battery.fault', { fault: faultText(b.fault) });
	const charge =
		b.charge_permille !== undefined ? `${Math.round(b.charge_permille / 10)}\u00a0%` : b.millivolts !== undefined ? `${(b.millivolts / 1000).toFixed(1)}\u00a0V` : t('box.battery.unknown');
	if (b.state === 'charging' || b.state === 'full') return t(`box.battery.${b.state}` as Key, { charge });
	return b.left_s ? t('box.battery.left', { charge, left: leftText(b.left_s) }) : t('box.battery', { charge });
}

/** A gauge guesses: whole hours from two on. */
export function leftText(seconds: number): string {
	return seconds >= 2 * 3600 ? `${Math.round(seconds / 3600)}\u00a0h` : duration(seconds * 1000);
}

/** What is wrong with the battery; undefined when nothing is. */
export function batteryTrouble(b: Battery | undefined): string | undefined {
	if (!b?.fault) return undefined;
	return b.fault === 'battery_low' ? t('box.battery.low') : t('box.battery.fault', { fault: faultText(b.fault) });
}

export function handlingText(h: Handling): string {
	if (h.kind === 'shock') return t('box.handling.shock', { g: (h.value / 1000).toFixed(1) });
	return t(`box.handling.${h.kind}.${h.on ? 'on' : 'off'}` as Key, { n: h.value });
}
