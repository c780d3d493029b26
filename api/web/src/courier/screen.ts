// What the one screen of a courier shows of a case. Pure: everything from the answers of the ledger and the present.
import type { S } from '../lib/api';
import { trendOf, type Point, type Trend } from './trend';

/** A temperature older than this is shown as stale. */
export const staleAfterMS = 2 * 60_000;
/** No word from the box for so long is no link. */
export const noLinkAfterMS = 2 * 60_000;

export interface Temperature {
	mc: number;
	atMS: number;
	/** Where the probe is, as the box says. */
	place: string;
	probe: number;
	trend: Trend | undefined;
	stale: boolean;
}

function pointsOf(series: S['Series'], p: S['SeriesProbe']): Point[] {
	const out: Point[] = [];
	p.temp_mc.forEach((mc, i) => {
		const ms = series.wall_ms[i];
		if (mc !== null && ms !== undefined) out.push([ms, mc]);
	});
	return out;
}

function outside(mc: number, low: number, high: number): number {
	return Math.max(low - mc, mc - high);
}

/**
 * The temperature that counts: of the judged probes with a reading at the newest moment the one that is farthest out of band, or nearest to
 * its edge. Undefined when no judged probe ever said one.
 */
export function temperatureOf(series: S['Series'] | undefined, band: { low_mc: number; high_mc: number } | undefined, nowMS: number): Temperature | undefined {
	if (!series) return undefined;
	const newest = series.probes.filter((p) => p.judged).map((p) => ({ p, points: pointsOf(series, p) })).filter((x) => x.points.length > 0);
	const at = Math.max(...newest.map((x) => x.points.at(-1)![0]));
	const live = newest.filter((x) => x.points.at(-1)![0] > at - 60_000);
	const bad = (mc: number) => (band ? outside(mc, band.low_mc, band.high_mc) : 0);
	const worst = live.sort((a, b) => bad(b.points.at(-1)![1]) - bad(a.points.at(-1)![1]))[0];
	if (!worst) return undefined;
	const [atMS, mc] = worst.points.at(-1)!;
	return { mc, atMS, place: worst.p.place, probe: worst.p.probe, trend: trendOf(worst.points), stale: nowMS - atMS > staleAfterMS };
}

export type Side = 'in' | 'below' | 'above';

export function sideOf(mc: number, band: { low_mc: number; high_mc: number } | undefined): Side {
	if (!band) return 'in';
	return mc < band.low_mc ? 'below' : mc > band.high_mc ? 'above' : 'in';
}

export interface Cold {
	/** How long it was in static cold: at least, at most; what runs is added up to the present. */
	loMS: number;
	hiMS: number;
	limitMS: number;
	running: boolean;
	level: 'none' | 'medium' | 'high';
}

/** The cold clock at the present; undefined when it has not begun. */
export function coldOf(clock: S['Clock'], nowMS: number): Cold | undefined {
	if (clock.start_ms === undefined || clock.end === 'not started') return undefined;
	const running = clock.end === 'running' && (clock.now === undefined || clock.now === 'cold');
	const since = running ? Math.max(0, nowMS - clock.as_of_ms) : 0;
	const hiMS = clock.cold_hi_ms + since;
	const limitMS = clock.limit_ms ?? 0;
	const warn = limitMS === 0 ? false : hiMS >= Math.min(clock.warn_ms || limitMS, limitMS - (clock.implant_ms ?? 0));
	return { loMS: clock.cold_lo_ms + since, hiMS, limitMS, running, level: limitMS !== 0 && hiMS >= limitMS ? 'high' : warn ? 'medium' : 'none' };
}

const rank = { high: 3, medium: 2, low: 1 } as const;

/** Alarms that last and were not acknowledged, else those that last; the gravest first, then the oldest. */
export function lasting(alarms: readonly S['Alarm'][]): S['Alarm'][] {
	return alarms.filter((a) => a.state !== 'ended' && !a.until_ms)
		.sort((a, b) => Number(a.state === 'acknowledged') - Number(b.state === 'acknowledged') || rank[b.severity] - rank[a.severity] || a.since_ms - b.since_ms);
}

/** When the acknowledgement of an alarm runs out; 0 when nobody acknowledged it. */
export function mutedUntil(a: S['Alarm']): number {
	return a.state === 'acknowledged' ? Math.max(0, ...a.acknowledgements.map((k) => k.until_ms)) : 0;
}

export type Card = 'not-packed' | 'no-readings' | 'alarm' | 'temperature';

/**
 * Which card fills the screen. An alarm turns it when it is of high or medium severity and nobody acknowledged it; acknowledged, or low, it
 * is a line above the temperature.
 */
export function cardOf(x: { phase: string; alarms: readonly S['Alarm'][]; temperature: Temperature | undefined }): Card {
	const first = lasting(x.alarms)[0];
	if (first && first.state !== 'acknowledged' && first.severity !== 'low') return 'alarm';
	if (x.temperature) return 'temperature';
	return x.phase === 'open' || x.phase === 'unknown' ? 'not-packed' : 'no-readings';
}

export type Link = 'live' | 'quiet' | 'never' | 'phone-offline';

/** Whether the box speaks with the ledger, as far as this phone can tell. */
export function linkOf(lastContactMS: number | undefined, phoneOffline: boolean, nowMS: number): Link {
	if (phoneOffline) return 'phone-offline';
	if (!lastContactMS) return 'never';
	return nowMS - lastContactMS > noLinkAfterMS ? 'quiet' : 'live';
}

export interface Arrival {
	planMS: number;
	etaMS: number;
	method: string;
	/** Expected less planned, from a minute on. */
	delayMS: number;
}

/** When it is to be at its destination, as planned and as expected now. */
export function arrivalOf(s: S['Summary'], legs: readonly S['Leg'][]): Arrival | undefined {
	const planMS = legs.at(-1)?.arrive_ms ?? 0;
	const etaMS = s.eta_ms ?? 0;
	if (!planMS && !etaMS) return undefined;
	const delay = planMS && etaMS ? etaMS - planMS : 0;
	return { planMS, etaMS, method: s.eta_method ?? '', delayMS: Math.abs(delay) >= 60_000 ? delay : 0 };
}
