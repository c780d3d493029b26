// The page's side of the service worker, which keeps the pages on this device.

export const shellCache = 'isotherm-shell-';

/** Registers the worker; main calls it once, in built pages only. */
export function registerWorker(): void {
	if (!('serviceWorker' in navigator)) return;
	navigator.serviceWorker.register('/sw.js', { scope: '/', updateViaCache: 'none' }).catch(() => undefined); // without it the pages need a network, as readyOffline says
}

/** Tells whether the pages open without a network: a worker is active and holds all files. */
export async function shellReady(): Promise<boolean> {
	try {
		const registration = await navigator.serviceWorker.getRegistration('/');
		if (!registration?.active) return false;
		const names = (await caches.keys()).filter((n) => n.startsWith(shellCache));
		for (const n of names) if (await (await caches.open(n)).match('/index.html')) return true;
		return false;
	} catch {
		return false;
	}
}
