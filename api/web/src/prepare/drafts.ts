// From what people filled in to the acts that they sign: opening and packing. Nothing that is missing holds anybody up; it is named. Pure.
import type { S } from '../lib/api';
import { codeOf, Kind, LabelCheck, modeNames, organNames, packagingNames, sideNames, aboNames, condition, type Leg } from '../sign/act';
import type { Draft } from '../sign/draft';
import { fromBase64 } from '../sign/bytes';

export interface LegForm {
	from: string;
	to: string;
	mode: string;
	departMS: number;
	arriveMS: number;
}

export interface OpenForm {
	organ: string;
	side: string;
	from: string;
	dest: string;
	fromPhone: string;
	destPhone: string;
	legs: LegForm[];
	zone: number | undefined;
}

export const emptyOpen = (from: string, fromPhone: string): OpenForm => ({ organ: '', side: '', from, dest: '', fromPhone, destPhone: '', legs: [], zone: undefined });

/** Organs that have a side: it is asked for these only. */
export function sided(organ: string): boolean {
	return organ === 'kidney' || organ === 'lung';
}

const nowhere = { latE7: 0, lonE7: 0 };

function legOf(l: LegForm): Leg {
	return { from: l.from.trim(), to: l.to.trim(), mode: codeOf(modeNames, l.mode), departMS: l.departMS, arriveMS: l.arriveMS, start: nowhere, end: nowhere, radiusM: 0 };
}

/** The draft of an opening act. donor: the ledger's commitment, empty without one. */
export function openDraft(f: OpenForm, shipment: string, donor: string): Draft {
	const legs = f.legs.filter((l) => l.from.trim() !== '' || l.to.trim() !== '').map(legOf);
	const typed = legs.some((l) => l.departMS || l.arriveMS);
	return {
		kind: Kind.Open, shipment, organ: codeOf(organNames, f.organ), from: f.from.trim(), dest: f.dest.trim(),
		...(sided(f.organ) && f.side ? { side: codeOf(sideNames, f.side) } : {}),
		...(f.fromPhone.trim() ? { fromPhone: f.fromPhone.trim() } : {}), ...(f.destPhone.trim() ? { destPhone: f.destPhone.trim() } : {}),
		...(donor ? { donor } : {}), ...(legs.length > 0 ? { legs } : {}), ...(typed && f.zone !== undefined ? { zone: f.zone } : {}),
	};
}

export type OpenMissing = 'side' | 'from' | 'fromPhone' | 'destPhone' | 'donor' | 'legs' | 'arrive';

/** What an opening does not say yet. */
export function openMissing(f: OpenForm, donorID: string): OpenMissing[] {
	const out: OpenMissing[] = [];
	if (sided(f.organ) && !f.side) out.push('side');
	if (!f.from.trim()) out.push('from');
	if (!f.fromPhone.trim()) out.push('fromPhone');
	if (!f.destPhone.trim()) out.push('destPhone');
	if (!donorID.trim()) out.push('donor');
	if (f.legs.length === 0) out.push('legs');
	else if (!f.legs.at(-1)?.arriveMS) out.push('arrive');
	return out;
}

export type Check = 'two-keys' | 'second-person' | 'own-system' | 'not-done';

export interface PackForm {
	box: string;
	profile: string;
	coldMS: number;
	zone: number | undefined;
	seal: string;
	found: string[];
	packaging: string;
	abo: string;
	check: Check;
	reference: string;
	space: string;
	place: string;
}

export const emptyPack = (box: string): PackForm => ({
	box, profile: '', coldMS: 0, zone: undefined, seal: '', found: [], packaging: '', abo: '', check: 'two-keys', reference: '', space: '', place: '',
});

const checks: Record<Check, number> = { 'two-keys': LabelCheck.TwoKeys, 'second-person': LabelCheck.Second, 'own-system': LabelCheck.Elsewhere, 'not-done': LabelCheck.NotDone };

/** The draft of a packing act; its head is filled in when it is signed. */
export function packDraft(f: PackForm, summary: S['Summary'], profile: S['Profile']): Draft {
	const found = condition(f.found);
	return {
		kind: Kind.Pack, shipment: summary.id, box: f.box, profile: fromBase64(profile.bytes), organ: codeOf(organNames, summary.organ),
		...(summary.side ? { side: codeOf(sideNames, summary.side) } : {}), ...(f.coldMS ? { coldMS: f.coldMS } : {}),
		...(f.coldMS && f.zone !== undefined ? { zone: f.zone } : {}), ...(f.seal.trim() ? { seal: f.seal.trim() } : {}), ...(found ? { condition: found } : {}),
		...(f.packaging ? { packaging: codeOf(packagingNames, f.packaging) } : {}), ...(f.abo ? { abo: codeOf(aboNames, f.abo) } : {}),
		labelCheck: checks[f.check], ...(f.reference.trim() && f.check !== 'two-keys' && f.check !== 'not-done' ? { reference: f.reference.trim() } : {}),
		...(f.space.trim() ? { space: f.space.trim() } : {}), ...(f.place.trim() ? { place: f.place.trim() } : {}),
	};
}

export type PackMissing = 'cold' | 'seal' | 'packaging' | 'abo' | 'check' | 'reference' | 'probe' | 'calibration';

/** What a packing act does not say yet, and what the box can't do for the profile. */
export function packMissing(f: PackForm, box: S['Box'] | undefined, profile: S['Profile'] | undefined, nowMS: number): PackMissing[] {
	const out: PackMissing[] = [];
	if (!f.coldMS) out.push('cold');
	if (!f.seal.trim()) out.push('seal');
	if (!f.packaging) out.push('packaging');
	if (!f.abo) out.push('abo');
	if (f.check === 'not-done') out.push('check');
	else if (f.check !== 'two-keys' && !f.reference.trim()) out.push('reference');
	const probes = box?.probes ?? [];
	if (profile && probes.length > 0) {
		const judged = probes.filter((p) => p.place === profile.probe_place || p.place === `${profile.probe_place}/${f.space.trim()}`);
		if (judged.length === 0) out.push('probe');
		else if (judged.some((p) => !p.certificate || (p.until_ms ?? 0) < nowMS || p.recalled_ms)) out.push('calibration');
	}
	return out;
}

/** The profiles to choose from: the program's own first, then published ones, then those that ship as examples. */
export function orderProfiles(list: readonly S['Profile'][], organisations: readonly string[]): S['Profile'][] {
	const weight = (p: S['Profile']) => (p.shipped ? 2 : p.program && organisations.includes(p.program) ? 0 : 1);
	return [...list].sort((a, b) => weight(a) - weight(b) || a.name.localeCompare(b.name) || b.version - a.version);
}
