// A value of the ledger that stays current while a component shows it.
import { untrack } from 'svelte';
import * as cache from '../offline/cache';
import { ApiError } from './api';
import { onEvent, onUp } from './feed';
import { turns } from './turns';

export interface LiveOptions {
	/** Only what concerns this case loads it again. Without it every event does. */
	shipment?: string | undefined;
	/** Load again so often, too, milliseconds. */
	everyMS?: number | undefined;
	/** Keep the last value on the device under this name, for when there is no network. */
	cacheKey?: string | undefined;
	/** Don't listen to the feed. */
	quiet?: boolean | undefined;
}

export interface Live<T> {
	readonly data: T | undefined;
	/** Of the last try. `data` stays what it was. */
	readonly error: ApiError | undefined;
	readonly loading: boolean;
	/** `data` is older than it should be: the last try failed, or it comes from the device. */
	readonly stale: boolean;
	/** When `data` was loaded, Unix milliseconds; 0 for never. */
	readonly at: number;
	/** The node that answered, and how many entries its ledger had. */
	readonly node: string;
	readonly entries: number;
	refresh(): void;
}

export function asApiError(err: unknown): ApiError {
	if (err instanceof ApiError) return err;
	return new ApiError({ code: 'internal', detail: err instanceof Error ? err.message : String(err) });
}

class LiveValue<T> implements Live<T> {
	data = $state.raw<T | undefined>(undefined);
	error = $state.raw<ApiError | undefined>(undefined);
	loading = $state(true);
	stale = $state(false);
	at = $state(0);
	refresh: () => void = () => undefined;

	get node(): string {
		return (this.data as { node?: string } | undefined)?.node ?? '';
	}

	get entries(): number {
		return (this.data as { entries?: number } | undefined)?.entries ?? 0;
	}
}

/**
 * Loads a value and loads it again when the feed names what it concerns. Call it while a component is set up. What `load` reads
 * synchronously is tracked: when it changes, the value is another one.
 */
export function live<T>(load: (signal: AbortSignal) => Promise<T>, options: LiveOptions | (() => LiveOptions) = {}): Live<T> {
	const value = new LiveValue<T>();
	$effect(() => {
		const o = typeof options === 'function' ? options() : options;
		const stop = new AbortController();
		const signal = stop.signal;
		const loads = turns(() => {
			const began = load(signal); // tracked on the first run
			untrack(() => (value.loading = true));
			return began.then(
				(data) => {
					if (signal.aborted) return;
					Object.assign(value, { data, error: undefined, stale: false, at: Date.now(), loading: false });
					if (o.cacheKey !== undefined) void cache.put(o.cacheKey, $state.snapshot(data), value.at);
				},
				(err: unknown) => {
					if (!signal.aborted) Object.assign(value, { error: asApiError(err), stale: value.data !== undefined, loading: false });
				},
			);
		});
		const { now: run, soon } = loads;

		// Another case must never be shown under this one's name, not even for a moment.
		untrack(() => Object.assign(value, { data: undefined, error: undefined, stale: false, at: 0, refresh: run }));
		if (o.cacheKey !== undefined) {
			void cache.get<T>(o.cacheKey).then((kept) => {
				if (kept !== undefined && !stop.signal.aborted && value.data === undefined) Object.assign(value, { data: kept.value, at: kept.atMS, stale: true });
			});
		}
		run();

		const offs = [
			...(o.quiet === true ? [] : [onEvent((e) => (o.shipment === undefined || e.shipment === undefined || e.shipment === o.shipment) && soon()), onUp(soon)]),
			every(o.everyMS, run),
			onVisible(() => Date.now() - value.at > 5000 && soon()),
		];
		return () => {
			stop.abort();
			loads.stop();
			for (const off of offs) off();
		};
	});
	return value;
}

function every(ms: number | undefined, fn: () => void): () => void {
	if (ms === undefined) return () => undefined;
	const timer = setInterval(() => document.visibilityState === 'visible' && fn(), ms);
	return () => clearInterval(timer);
}

function onVisible(fn: () => void): () => void {
	const seen = () => document.visibilityState === 'visible' && fn();
	document.addEventListener('visibilitychange', seen);
	window.addEventListener('online', seen);
	return () => {
		document.removeEventListener('visibilitychange', seen);
		window.removeEventListener('online', seen);
	};
}
