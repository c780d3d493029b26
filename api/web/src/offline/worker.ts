// The page's side of the service worker, which keeps the pages on this device.

export const shellCache = 'isotherm-shell-';

const startMS = 3000;

/** Registers the worker; main calls it once, in built pages only. */
export function registerWorker(): void {
	if (!('serviceWorker' in navigator)) return;
	navigator.serviceWorker.register('/sw.js', { scope: '/', updateViaCache: 'none' }).then(update, () => undefined); // without it the pages need a network, as readyOffline says
}

/**
 * A new version that waits takes over now, when this page has only just begun and is the only one: it is loaded once more. Nothing is
 * under way yet; a page with something behind its # keeps it, and the next start will do.
 */
function update(registration: ServiceWorkerRegistration): void {
	if (!registration.waiting || location.hash.length > 1) return;
	const again = () => location.reload();
	navigator.serviceWorker.addEventListener('controllerchange', again, { once: true });
	setTimeout(() => navigator.serviceWorker.removeEventListener('controllerchange', again), startMS);
	registration.waiting.postMessage('take over');
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
