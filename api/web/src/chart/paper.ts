// Paper is light: while the page prints, the theme is the light one and canvases are drawn anew in its colours.
import { theme } from '../lib/theme.svelte';

const drawers = new Set<() => void>();

function turn(printing: boolean): void {
	document.documentElement.dataset['theme'] = printing ? 'light' : theme.shown;
	for (const draw of drawers) draw();
}

const begin = () => turn(true);
const end = () => turn(false);

/** Has a canvas drawn anew when printing begins and ends, until the function that it returns is called. */
export function onPaper(draw: () => void): () => void {
	if (drawers.size === 0) {
		addEventListener('beforeprint', begin);
		addEventListener('afterprint', end);
	}
	drawers.add(draw);
	return () => {
		drawers.delete(draw);
		if (drawers.size > 0) return;
		removeEventListener('beforeprint', begin);
		removeEventListener('afterprint', end);
	};
}
