// The chosen theme. public/theme.js applies it before anything is drawn; here it changes.
export type Choice = 'auto' | 'light' | 'dark' | 'sun';
export const choices: readonly Choice[] = ['auto', 'light', 'dark', 'sun'];

const key = 'isotherm-theme';

function read(): Choice {
	try {
		const kept = localStorage.getItem(key);
		return choices.find((c) => c === kept) ?? 'auto';
	} catch {
		return 'auto';
	}
}

const dark = typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-color-scheme: dark)');
let choice = $state<Choice>(read());
let systemDark = $state(dark?.matches ?? false);
const shown = $derived(choice === 'auto' ? (systemDark ? 'dark' : 'light') : choice);

function apply(): void {
	document.documentElement.dataset['theme'] = shown;
}

dark?.addEventListener('change', (e) => {
	systemDark = e.matches;
	apply();
});

export const theme = {
	get choice(): Choice {
		return choice;
	},
	/** What is drawn: 'light', 'dark' or 'sun'. Canvases draw anew when it changes. */
	get shown(): 'light' | 'dark' | 'sun' {
		return shown;
	},
	set(value: Choice): void {
		choice = value;
		try {
			if (value === 'auto') localStorage.removeItem(key);
			else localStorage.setItem(key, value);
		} catch {
			/* storage is blocked: it lasts until the page is closed */
		}
		apply();
	},
};
