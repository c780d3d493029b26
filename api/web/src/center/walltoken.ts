// The display token of a wall screen, kept by this browser so that the screen comes back by itself after a power cut.
const key = 'isotherm.wall';

export function keptToken(): string | null {
	try {
		return localStorage.getItem(key);
	} catch {
		return null;
	}
}

export function keepToken(token: string): void {
	try {
		localStorage.setItem(key, token);
	} catch {
		/* no storage: the token must come again with the address after a restart */
	}
}
