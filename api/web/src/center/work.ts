// What a center states about a case: forms become drafts of statements, signed by SIGN's dialog.
import type { S } from '../lib/api';
import { t } from '../i18n';
import '../i18n/en/center';
import { Kind, type Statement } from '../sign/act';
import { orgName, personName } from '../lib/organisations.svelte';
import { signAct } from '../sign/signing.svelte';
import type { Work } from './casefile';
import { clean } from './work-clean';

/** A form that is asked for; some are about an act or a dispute. */
export interface Ask {
	work: Work;
	act?: S['Act'];
	dispute?: S['Dispute'];
}

/** When it happened: now by this device, or typed. */
export interface When {
	eventTimeMS?: number;
	zone?: number;
	timeErrorMS?: number;
}

export type Draft = Partial<Statement> & { kind: Kind };

/** Asks for the signature; the hash once the act is kept on this device, undefined when the person chose not to. */
export async function state(shipment: string, draft: Draft, when: When, title: string): Promise<string | undefined> {
	const done = await signAct({ ...clean(draft), ...clean(when), shipment }, { title, names: { person: personName, organisation: orgName } });
	return done?.hash;
}

const titles: Record<Work, () => string> = {
	receive: () => t('center.work.receive'),
	arrival: () => t('center.work.arrival'),
	'open-box': () => t('center.work.open-box'),
	'out-of-cold': () => t('center.work.out-of-cold'),
	outcome: () => t('center.work.outcome'),
	close: () => t('center.work.close'),
	correct: () => t('center.work.correct'),
	adverse: () => t('center.work.adverse'),
	ruling: () => t('center.work.ruling'),
	cosign: () => t('center.work.cosign'),
	'stand-down': () => t('center.work.stand-down'),
};

export const workTitle = (w: Work): string => titles[w]();
