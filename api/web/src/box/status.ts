// What the box says of itself: tracker/status.go. The page is the box's own, so every call goes to where it came from.

export interface Sample {
	probe: number;
	place: string;
	temp_mc?: number;
	indicated_mc?: number;
	fault?: string;
	/** What speaks against a temperature that is there. */
	doubt?: string;
	raw?: string;
	detail?: string;
}

export interface Battery {
	charge_permille?: number;
	state: string;
	left_s?: number;
	millivolts?: number;
	fault?: string;
	detail?: string;
	event_time_ms: number;
}

export interface Device {
	device: string;
	state: string;
	fault?: string;
	since_ms: number;
	port?: string;
	detail?: string;
	unrecorded?: number;
}

export interface Handling {
	kind: string;
	on: boolean;
	value: number;
	event_time_ms: number;
}

export interface Excursion {
	rule: string;
	severity: string;
	probe: number;
	began_ms: number;
	duration_ms: number;
	extreme_mc: number;
	active: boolean;
}

export interface Shipment {
	shipment: string;
	space?: string;
	tip?: string;
	profile?: string;
	watched: boolean;
	received: boolean;
	alarm: boolean;
	excursions: Excursion[];
	band?: { place: string; low_mc: number; high_mc: number };
	instructions?: string[];
}

export interface Status {
	box: string;
	incarnation: string;
	now_ms: number;
	clock: string;
	recorded: number;
	flushed: number;
	receipted: number;
	unsent: number;
	shipments: Shipment[];
	alarm: boolean;
	pages?: string;
	radio: boolean;
	radio_problem?: string;
	battery?: Battery;
	devices?: Device[];
	handling?: Handling[];
	clock_step?: { event_time_ms: number; step_ms: number; count: number };
	reading?: { seq: number; event_time_ms: number; clock: string; samples: Sample[]; lat_e7?: number; lon_e7?: number; fix_age_ms?: number; fix_fault?: string };
	storage?: { since_ms: number; waiting: number; dropped: number; problem: string };
	damage?: { incarnation: string; kept: number; known: number; problem: string }[];
	link: { state: string; since_ms: number; last_sync_ms: number; waiting_since_ms: number; problem?: string; stopped?: { incarnation: string; reason: string }[] };
}

const patienceMS = 4000;

async function call(path: string, init: RequestInit = {}): Promise<Response> {
	const response = await fetch(path, { ...init, signal: AbortSignal.timeout(patienceMS), cache: 'no-store' });
	if (response.ok) return response;
	const p = (await response.json().catch(() => ({}))) as { detail?: string };
	throw new Error(p.detail ?? `the box answered ${response.status}`);
}

export async function getStatus(): Promise<Status> {
	return (await (await call('/v1/status')).json()) as Status;
}

export async function getHead(): Promise<Uint8Array<ArrayBuffer>> {
	return new Uint8Array(await (await call('/v1/head')).arrayBuffer());
}

export async function giveAct(act: Uint8Array<ArrayBuffer>): Promise<{ seq: number; known: boolean }> {
	return (await (await call('/v1/acts', { method: 'POST', body: act, headers: { 'Content-Type': 'application/octet-stream' } })).json()) as { seq: number; known: boolean };
}

export async function setRadio(on: boolean): Promise<void> {
	await call('/v1/radio', { method: 'POST', body: JSON.stringify({ on }), headers: { 'Content-Type': 'application/json' } });
}

/** The probe that a shipment is judged by: at the profile's place, in the shipment's space when there is one. */
export function judged(samples: readonly Sample[], s: Shipment | undefined): Sample | undefined {
	const place = s?.band?.place;
	if (place === undefined) return samples[0];
	return samples.find((x) => s?.space !== undefined && x.place === `${place}/${s.space}`) ?? samples.find((x) => x.place === place) ?? samples[0];
}

export type Trend = 'rising' | 'falling' | 'steady';

/** Which way a probe goes, of its newest values: 0.2 K within five minutes are a way. */
export function trendOf(values: readonly { atMS: number; mc: number }[]): Trend | undefined {
	const last = values.at(-1);
	if (!last) return undefined;
	const span = values.filter((v) => v.atMS >= last.atMS - 5 * 60_000);
	if (span.length < 3 || last.atMS - span[0]!.atMS < 30_000) return undefined;
	const change = last.mc - span[0]!.mc;
	return change > 200 ? 'rising' : change < -200 ? 'falling' : 'steady';
}
