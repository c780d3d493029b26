// How many alarms last, for the bar.
import { api, type S } from '../lib/api';
import { live, type Live } from '../lib/live.svelte';

export interface AlarmCount {
	readonly all: number;
	readonly unacknowledged: number;
	readonly worst: 'high' | 'medium' | 'low' | 'none';
}

export function countAlarms(alarms: readonly S['Alarm'][]): AlarmCount {
	const lasting = alarms.filter((a) => a.state !== 'ended');
	const open = lasting.filter((a) => a.state !== 'acknowledged');
	const worst = (['high', 'medium', 'low'] as const).find((s) => open.some((a) => a.severity === s)) ?? 'none';
	return { all: lasting.length, unacknowledged: open.length, worst };
}

/** Call while a component is set up. */
export function liveAlarms(): Live<S['Alarms']> {
	return live((signal) => api.get<S['Alarms']>('/v1/alarms', { signal }), { everyMS: 60_000, cacheKey: 'alarms' });
}
