// What a token of a person may do: what the role could use at all.
import type { S } from '../lib/api';

const of: Readonly<Record<S['Role'], readonly S['Scope'][]>> = {
	courier: ['read', 'act', 'donor', 'account'],
	coordinator: ['read', 'act', 'export', 'donor', 'account', 'admin'],
	center: ['read', 'act', 'export', 'donor', 'account', 'admin'],
	auditor: ['read', 'export', 'donor', 'account', 'audit'],
	admin: ['read', 'act', 'export', 'donor', 'account', 'admin'],
};

export function scopesOf(role: S['Role']): readonly S['Scope'][] {
	return of[role];
}
