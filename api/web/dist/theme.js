// Before anything is drawn, so that the dark theme never flashes white. The app writes the choice, see src/lib/theme.svelte.ts.
(function () {
	var chosen = null;
	try {
		chosen = localStorage.getItem('isotherm-theme');
	} catch (e) {
		/* storage is blocked: follow the system */
	}
	if (chosen !== 'light' && chosen !== 'dark' && chosen !== 'sun') {
		chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
	}
	document.documentElement.dataset.theme = chosen;
})();
