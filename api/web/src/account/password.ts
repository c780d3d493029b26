// What the ledger demands of a password; it checks again.
import { t } from '../i18n';
import '../i18n/en/account';

export const minPassword = 12;

/** Errors of the two fields; both undefined when they will do. */
export function passwordErrors(login: string, first: string, again: string): { first?: string; again?: string } {
	if ([...first].length < minPassword) return { first: t('account.password.short', { n: minPassword - [...first].length }) };
	if (login !== '' && first.toLowerCase().includes(login.trim().toLowerCase())) return { first: t('account.password.sameAsLogin') };
	if (new Set(first).size === 1) return { first: t('account.password.oneSign') };
	if (first !== again) return { again: t('account.password.differs') };
	return {};
}

/** As the ledger compares logins. */
export function isLogin(login: string): boolean {
	return /^[a-z0-9._\-@+]{1,64}$/.test(login.trim().toLowerCase());
}
