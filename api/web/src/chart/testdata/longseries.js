// For tests in a browser: answers GET …/series with 12 hours at one reading a second from three probes, not thinned, so that
// performance.measure 'chart draw' tells how long such a chart takes. Run it before the page's own scripts.
(() => {
	const rows = 43_200;
	const answer = window.fetch;
	window.fetch = async (input, init) => {
		const url = new URL(input instanceof Request ? input.url : input, location.href);
		if (!/^\/v1\/shipments\/[^/]+\/series$/.test(url.pathname)) return answer(input, init);
		const real = await answer(input, init);
		if (!real.ok) return real;
		const series = await real.clone().json();
		const begin = (series.wall_ms[series.wall_ms.length - 1] ?? Date.now()) - rows * 1000;
		series.wall_ms = Array.from({ length: rows }, (_, i) => begin + i * 1000);
		series.late = series.wall_ms.map(() => false);
		series.total = rows;
		series.probes = ['organ', 'lid', 'outside'].map((place, probe) => ({
			segment: 0,
			probe,
			place,
			judged: probe === 0,
			temp_mc: series.wall_ms.map((_, i) => Math.round(4500 + probe * 900 + Math.sin(i / 1700 + probe) * 500 + ((i * 7919) % 97))),
		}));
		return new Response(JSON.stringify(series), { status: 200, headers: real.headers });
	};
})();
