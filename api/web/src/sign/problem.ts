// What to tell people when signing does not go on.
import { t } from '../i18n';
import '../i18n/en/sign';
import { duration } from '../lib/format';
import { StorageError } from '../offline/db';
import { NoHead, NoTip } from './draft';
import { KeyDamaged, NoKey, TooSoon, WrongPIN } from './keystore';
import { CannotSign } from './signing.svelte';

export interface Told {
	text: string;
	/** It is about the PIN: the field shows it. */
	pin: boolean;
	/** No other try before then. */
	untilMS: number;
}

/** Says how long one still has to wait; empty when no more. */
export function waitText(untilMS: number, now: number): string {
	return untilMS > now ? t('sign.pin.wait', { wait: duration(Math.ceil((untilMS - now) / 1000) * 1000) }) : '';
}

export function tell(err: unknown): Told {
	if (err instanceof WrongPIN) return { text: t('sign.pin.wrong'), pin: true, untilMS: err.untilMS };
	if (err instanceof TooSoon) return { text: '', pin: true, untilMS: err.untilMS };
	const other = (text: string): Told => ({ text, pin: false, untilMS: 0 });
	if (err instanceof NoKey) return other(t('sign.dialog.keyless.text'));
	if (err instanceof KeyDamaged) return other(t('sign.error.KeyDamaged'));
	if (err instanceof NoTip) return other(t('sign.error.NoTip'));
	if (err instanceof NoHead) return other(t('sign.error.NoHead'));
	if (err instanceof StorageError) return other(t(err.full ? 'sign.error.full' : 'sign.error.blocked'));
	if (err instanceof CannotSign) return other(t(`sign.error.${err.why}`, err.params));
	if (err instanceof RangeError) return other(t('sign.error.statement', { what: err.message }));
	return other(err instanceof Error ? err.message : String(err));
}
