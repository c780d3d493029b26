// What the courier's pages load of one case, in one go.
import { api, type S } from '../lib/api';

export interface CaseData {
	node: string;
	entries: number;
	shipment: S['Shipment'];
	/** The last quarter of an hour of readings; none before packing. */
	series: S['Series'] | null;
	alarms: S['Alarm'][];
}

const lookBackMS = 15 * 60_000;

/** Loads the case, the end of its readings and its alarms, and keeps what signing without a network needs. */
export async function loadCase(id: string, signal: AbortSignal): Promise<CaseData> {
	const [shipment, alarms] = await Promise.all([
		api.get<S['Shipment']>(`/v1/shipments/${id}`, { signal }),
		api.get<S['Alarms']>(`/v1/shipments/${id}/alarms`, { signal }),
	]);
	// Kept once the page shows the case: the code for it comes after what is seen.
	setTimeout(() => void import('../sign/casecopy').then((m) => m.rememberCase(shipment)).catch(() => undefined), 500);
	const last = shipment.summary.last_reading_ms;
	const series = last ? await api.get<S['Series']>(`/v1/shipments/${id}/series`, { signal, query: { from_ms: Math.max(0, last - lookBackMS), points: 400 } }) : null;
	return { node: shipment.node, entries: shipment.entries, shipment, series, alarms: alarms.alarms };
}

export const caseKey = (id: string) => `carry:case:${id}`;

/** Label of a box as the ledger knows it; the start of its identifier until it does. */
export function labelOf(boxes: readonly S['Box'][] | undefined, id: string | undefined): string {
	if (!id) return '';
	return boxes?.find((b) => b.id === id)?.label || id.slice(0, 8);
}

export const loadBoxes = (signal: AbortSignal) => api.get<S['Boxes']>('/v1/boxes', { signal });
export const loadPages = (signal: AbortSignal) => api.get<S['Pages']>('/v1/pages', { signal });
