import { createSubscriber } from 'svelte/reactivity';

let now = Date.now();

// One timer for the page, on the full second so that all ages change together; it runs while something shows the time.
const subscribe = createSubscriber((update) => {
	let timer = 0;
	const tick = () => {
		now = Date.now();
		update();
		timer = window.setTimeout(tick, 1000 - (now % 1000));
	};
	now = Date.now();
	timer = window.setTimeout(tick, 1000 - (now % 1000));
	return () => clearTimeout(timer);
});

/** The present in Unix milliseconds, each second anew. */
export const clock = {
	get now(): number {
		subscribe();
		return Math.max(now, Date.now() - 1000);
	},
};
