// Shapes of the API for tests, with only what a test is about.
import type { S } from '../lib/api';

export function summary(part: Partial<S['Summary']> = {}): S['Summary'] {
	return {
		id: '00'.repeat(16), phase: 'packed', organ: 'heart', from: 'RIVER', dest: 'HILL', opened_ms: 0, open_excursions: 0, excursions: 0, flags: [],
		cold_end: 'running', cold_status: "within the program's limits", findings: [], simulated: false, last_reading_ms: 1, last_temp_mc: 4600, ...part,
	};
}

export function alarm(part: Partial<S['Alarm']> = {}): S['Alarm'] {
	return {
		id: 'aa'.repeat(16), code: 'too-cold', severity: 'high', what: 'Too cold: 1.2 °C, band 2 to 8', since_ms: 1, learned_ms: 1, late: false, do: [], call: [],
		state: 'active', acknowledgements: [], deliveries: [], ...part,
	};
}

export function act(part: Partial<S['Act']> = {}): S['Act'] {
	return { index: 1, record_time_ms: 0, event_time_ms: 0, kind: 'pack', id: '', hash: '', standing: 'applied', by: { organisation: 'RIVER' }, signatures: [], bytes: '', ...part };
}

export function shipment(part: Partial<S['Shipment']> = {}): S['Shipment'] {
	return {
		node: 'a', entries: 1, summary: summary(), donor: '11'.repeat(32), tip: '', flags: [], history: [], segments: [], journals: [], withheld: [], custodians: [],
		corrections: [], disputes: [],
		clock: { as_of_ms: 0, end: 'running', status: 'no limit', periods: [], cold_lo_ms: 0, cold_hi_ms: 0, perfused_lo_ms: 0, perfused_hi_ms: 0, flags: [] },
		progress: { legs: [], findings: [] }, recalled: [], ...part,
	};
}
