// Times as people type them: a time of day, or a date with time; always with a zone. As the terminal reads them. Pure.

/** How far ahead of this device's clock a typed time may lie: clocks differ by minutes, not by more. */
export const maxAheadMS = 10 * 60_000;

/** How old a time without a date may be: beyond it, it is more likely a slip than meant. */
export const maxClockOnlyMS = 12 * 3_600_000;

export type TimeFault = 'unreadable' | 'ahead' | 'long-ago';

export type TypedTime = { ok: true; ms: number; zoneMin: number } | { ok: false; fault: TimeFault };

const shape = /^(?:(\d{4})-(\d{2})-(\d{2})[T ]\s*)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(Z|[+\-\u2212]\d{2}:?\d{2})?$/i;

/** '+01:00' of minutes east of UTC. */
export function zoneText(min: number): string {
	const a = Math.abs(min);
	const two = (n: number) => String(n).padStart(2, '0');
	return `${min < 0 ? '-' : '+'}${two(Math.floor(a / 60))}:${two(a % 60)}`;
}

function zoneOf(text: string): number | undefined {
	if (/^z$/i.test(text)) return 0;
	const m = /^([+\-\u2212])(\d{2}):?(\d{2})$/.exec(text);
	if (!m) return undefined;
	const min = Number(m[2]) * 60 + Number(m[3]);
	if (Number(m[3]) > 59 || min > 840) return undefined;
	return m[1] === '+' ? min : -min;
}

/** Minutes east of UTC of this device at a moment. */
export const deviceZone = (nowMS: number): number => -new Date(nowMS).getTimezoneOffset();

/** Whole-hour and odd zones that are in use, for a menu; the device's own first. */
export function zones(nowMS: number): number[] {
	const own = deviceZone(nowMS);
	const all = [-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 840];
	return [own, ...all.filter((z) => z !== own)];
}

/** Reads a typed time. A zone in the text wins over the chosen one. A time of day is that of the last half day. */
export function readTime(text: string, chosenZoneMin: number, nowMS: number): TypedTime {
	const m = shape.exec(text.trim());
	if (!m) return { ok: false, fault: 'unreadable' };
	const zoneMin = m[7] ? zoneOf(m[7]) : chosenZoneMin;
	const [hour, minute, second] = [Number(m[4]), Number(m[5]), Number(m[6] ?? 0)];
	if (zoneMin === undefined || hour > 23 || minute > 59 || second > 59) return { ok: false, fault: 'unreadable' };
	const clock = ((hour * 60 + minute) * 60 + second) * 1000;
	if (m[1]) return dated(Number(m[1]), Number(m[2]), Number(m[3]), clock, zoneMin, nowMS);
	const dayMS = 86_400_000;
	const local = nowMS + zoneMin * 60_000;
	let ms = Math.floor(local / dayMS) * dayMS + clock - zoneMin * 60_000;
	if (ms - nowMS > maxAheadMS) ms -= dayMS;
	else if (nowMS - ms > dayMS - maxAheadMS) ms += dayMS;
	if (nowMS - ms > maxClockOnlyMS) return { ok: false, fault: 'long-ago' };
	return { ok: true, ms, zoneMin };
}

function dated(year: number, month: number, day: number, clock: number, zoneMin: number, nowMS: number): TypedTime {
	const date = new Date(Date.UTC(year, month - 1, day));
	if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return { ok: false, fault: 'unreadable' };
	const ms = date.getTime() + clock - zoneMin * 60_000;
	return ms - nowMS > maxAheadMS ? { ok: false, fault: 'ahead' } : { ok: true, ms, zoneMin };
}

/** '2026-11-23 14:05 +01:00': a moment as it was typed. */
export function stampIn(ms: number, zoneMin: number): string {
	return `${new Date(ms + zoneMin * 60_000).toISOString().slice(0, 16).replace('T', ' ')} ${zoneText(zoneMin)}`;
}
