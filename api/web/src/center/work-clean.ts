/** Without what was left empty: a statement leaves it out. A zone of 0 is UTC, and stays. */
export function clean<T extends object>(x: T): T {
	return Object.fromEntries(Object.entries(x).filter(([k, v]) => v !== undefined && v !== '' && (v !== 0 || k === 'zone'))) as T;
}
