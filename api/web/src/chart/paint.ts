// Colours and brushes of the chart's canvas, from the tokens of the theme that is shown.

export interface Paint {
	readonly ink: string;
	readonly ink2: string;
	readonly surface: string;
	readonly line: string;
	readonly strong: string;
	readonly band: string;
	readonly edge: string;
	readonly tints: Readonly<Record<string, string>>;
	readonly colours: Readonly<Record<string, string>>;
	readonly font: string;
	readonly ratio: number;
	readonly hatch: CanvasPattern | string;
	readonly lateHatch: CanvasPattern | string;
}

/** Stripes of a colour, `gap` CSS pixels apart. */
function stripes(ctx: CanvasRenderingContext2D, colour: string, gap: number, ratio: number): CanvasPattern | string {
	const size = Math.max(4, Math.round(gap * ratio));
	const tile = document.createElement('canvas');
	tile.width = tile.height = size;
	const c = tile.getContext('2d');
	if (c === null) return colour;
	c.strokeStyle = colour;
	c.lineWidth = ratio;
	c.beginPath();
	for (const shift of [-size, 0, size]) {
		c.moveTo(shift - 1, size + 1);
		c.lineTo(shift + size + 1, -1);
	}
	c.stroke();
	return ctx.createPattern(tile, 'repeat') ?? colour;
}

/** Reads the tokens as they are now. */
export function paintOf(element: Element, ctx: CanvasRenderingContext2D, ratio: number): Paint {
	const style = getComputedStyle(element);
	const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
	const strong = token('line-strong');
	return {
		ink: token('ink'),
		ink2: token('ink-2'),
		surface: token('surface'),
		line: token('line'),
		strong,
		band: token('band'),
		edge: token('band-edge'),
		tints: { high: token('red-tint'), medium: token('amber-tint'), low: token('cyan-tint') },
		colours: { high: token('red'), medium: token('amber'), low: token('cyan') },
		font: `${Math.round(12 * ratio)}px ${token('font') || 'sans-serif'}`,
		ratio,
		hatch: stripes(ctx, strong, 7, ratio),
		lateHatch: stripes(ctx, token('cyan'), 4, ratio),
	};
}

/** How a line is drawn: judged probes solid and thick, others thinner with dashes of their own. */
export function strokeOf(judged: boolean, number: number): { width: number; dash: number[] } {
	if (judged) return { width: 2, dash: number === 0 ? [] : [12, 3] };
	const dashes = [
		[6, 4],
		[2, 3],
		[9, 3, 2, 3],
		[1, 5],
	];
	return { width: 1.25, dash: dashes[number % dashes.length] ?? [] };
}
