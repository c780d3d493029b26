// What the chart's canvas shows beside uPlot's lines: band, gaps, excursions, late data, marks and labels.
import type uPlot from 'uplot';
import { t } from '../i18n';
import '../i18n/en/chart';
import type { S } from '../lib/api';
import { clampX, fitting, place, rows, type Rect } from './labels';
import { hasLimit, isBelow, isTotal, nearest, type Model, type Trip } from './model';
import type { Paint } from './paint';
import { bandText, excursionLabel, gapLabels, lateLabels, type Mark } from './words';

export interface Scene {
	readonly model: Model;
	readonly trip: Trip | undefined;
	readonly marks: readonly Mark[];
	readonly paint: Paint;
	/** Names of the lines, as they stand beside them. */
	readonly names: readonly string[];
	/** Rows for the labels of marks above the plot. */
	readonly lanes: number;
}

/** Height of a label's row, CSS pixels. */
export const lane = 16;

/** One frame: the canvas, and where labels stand already. */
class Frame {
	readonly ctx: CanvasRenderingContext2D;
	readonly taken: Rect[] = [];
	readonly plot: Rect;
	readonly all: Rect;

	constructor(
		readonly u: uPlot,
		readonly scene: Scene,
	) {
		this.ctx = u.ctx;
		const { left, top, width, height } = u.bbox;
		this.plot = { x: left, y: top, w: width, h: height };
		const pad = this.px(lane * scene.lanes + 4);
		this.all = { x: left - this.px(4), y: top - pad, w: width + this.px(8), h: height + pad };
	}

	px(css: number): number {
		return css * this.scene.paint.ratio;
	}

	x(ms: number): number {
		return this.u.valToPos(ms, 'x', true);
	}

	y(celsius: number): number {
		return this.u.valToPos(celsius, 'y', true);
	}

	/** Left and width of a time in the plot, undefined when none of it is shown; at least a pixel and a half wide. */
	span(fromMS: number, toMS: number): { x: number; w: number } | undefined {
		const a = this.x(fromMS);
		const b = this.x(toMS);
		if (b < this.plot.x || a > this.plot.x + this.plot.w) return undefined;
		const x = Math.max(a, this.plot.x);
		return { x, w: Math.max(Math.min(b, this.plot.x + this.plot.w) - x, this.px(1.5)) };
	}

	measure(text: string): number {
		return this.ctx.measureText(text).width + this.px(6);
	}

	/** Writes a text on a field of the surface, so that it is read over lines and hatches. */
	write(text: string, r: Rect, colour: string): void {
		const { ctx, scene } = this;
		ctx.globalAlpha = 0.88;
		ctx.fillStyle = scene.paint.surface;
		ctx.fillRect(r.x, r.y, r.w, r.h);
		ctx.globalAlpha = 1;
		ctx.fillStyle = colour;
		ctx.fillText(text, r.x + this.px(3), r.y + r.h / 2 + this.px(0.5));
	}

	/** Takes a free place for the first text that finds one, the longest first; the last may be as wide as it is. */
	find(texts: readonly string[], where: (w: number, h: number) => readonly Rect[], bounds: Rect, widest: number): { text: string; r: Rect } | undefined {
		for (const [i, text] of texts.entries()) {
			const w = this.measure(text);
			if (w > widest && i < texts.length - 1) continue;
			const r = place(where(w, this.px(lane)), this.taken, bounds);
			if (r !== undefined) return { text, r };
		}
		return undefined;
	}

	/** Writes the first text that finds a free place. */
	label(texts: readonly string[], where: (w: number, h: number) => readonly Rect[], bounds: Rect, colour: string, widest = Infinity): void {
		const found = this.find(texts, where, bounds, widest);
		if (found !== undefined) this.write(found.text, found.r, colour);
	}
}

function begin(u: uPlot, scene: Scene): Frame {
	const f = new Frame(u, scene);
	f.ctx.save();
	f.ctx.setLineDash([]); // uPlot leaves that of its last line
	f.ctx.font = scene.paint.font;
	f.ctx.textAlign = 'left';
	f.ctx.textBaseline = 'middle';
	return f;
}

function clip(f: Frame): void {
	f.ctx.beginPath();
	f.ctx.rect(f.plot.x, f.plot.y, f.plot.w, f.plot.h);
	f.ctx.clip();
}

/** Beneath the lines. */
export function drawUnder(u: uPlot, scene: Scene): void {
	const f = begin(u, scene);
	clip(f);
	drawBand(f);
	drawGaps(f, scene.paint.surface);
	for (const x of scene.trip?.excursions ?? []) drawExcursion(f, x);
	drawGaps(f, scene.paint.hatch);
	drawLate(f);
	f.ctx.restore();
}

function drawBand(f: Frame): void {
	const p = f.scene.trip?.profile;
	if (p === undefined) return;
	const { ctx, plot, scene } = f;
	const top = f.y(p.high_mc / 1000);
	const bottom = f.y(p.low_mc / 1000);
	ctx.fillStyle = scene.paint.band;
	ctx.fillRect(plot.x, top, plot.w, bottom - top);
	ctx.strokeStyle = scene.paint.edge;
	ctx.lineWidth = f.px(1);
	ctx.beginPath();
	for (const y of [top, bottom]) {
		ctx.moveTo(plot.x, Math.round(y) + 0.5);
		ctx.lineTo(plot.x + plot.w, Math.round(y) + 0.5);
	}
	ctx.stroke();
}

/** No value lies in a gap: first all that is beneath goes, then the hatch comes over what is said of it. */
function drawGaps(f: Frame, fill: string | CanvasPattern): void {
	const { ctx, plot, scene } = f;
	for (const g of scene.trip?.gaps ?? []) {
		const s = f.span(g.from_ms, g.to_ms);
		if (s === undefined) continue;
		ctx.fillStyle = fill;
		ctx.fillRect(s.x, plot.y, s.w, plot.h);
		ctx.strokeStyle = scene.paint.strong;
		ctx.lineWidth = f.px(1);
		ctx.strokeRect(s.x, plot.y - f.px(2), s.w, plot.h + f.px(4));
	}
}

/** Fills what lies between a probe's line and the limit. Silence and a lost probe have no line: their time is tinted. */
function drawExcursion(f: Frame, x: S['Excursion']): void {
	const { ctx, plot, scene } = f;
	const s = f.span(x.began_ms, x.ended_ms);
	if (s === undefined || isTotal(x.kind)) return;
	ctx.fillStyle = scene.paint.tints[x.severity] ?? scene.paint.line;
	ctx.fillRect(s.x, plot.y, s.w, plot.h);
	ctx.strokeStyle = ctx.fillStyle = scene.paint.colours[x.severity] ?? scene.paint.ink;
	ctx.lineWidth = f.px(1);
	if (!hasLimit(x.kind)) {
		ctx.strokeRect(s.x, plot.y, s.w, plot.h);
		return;
	}
	const limit = x.limit_mc / 1000;
	const { model } = scene;
	const from = nearest(model.x, x.began_ms);
	const to = nearest(model.x, x.ended_ms);
	ctx.globalAlpha = 0.45;
	for (const l of model.lines) {
		if (l.probe === x.probe && l.segment === x.segment) area(f, l.temps, from, to, limit, isBelow(x.kind));
	}
	ctx.globalAlpha = 1;
	ctx.setLineDash([f.px(3), f.px(3)]);
	ctx.beginPath();
	ctx.moveTo(s.x, f.y(limit));
	ctx.lineTo(s.x + s.w, f.y(limit));
	ctx.stroke();
	ctx.setLineDash([]);
}

/** Fills between values beyond a limit and the limit, run by run. */
function area(f: Frame, temps: readonly (number | null)[], from: number, to: number, limit: number, below: boolean): void {
	const { ctx } = f;
	const base = f.y(limit);
	let open = false;
	let last = 0;
	const close = () => {
		if (!open) return;
		ctx.lineTo(last, base);
		ctx.fill();
		open = false;
	};
	for (let i = from; i <= to; i++) {
		const v = temps[i] ?? null;
		if (v === null) {
			close();
			continue;
		}
		const beyond = below ? Math.min(v, limit) : Math.max(v, limit);
		last = f.x(f.scene.model.x[i] ?? 0);
		if (!open) {
			ctx.beginPath();
			ctx.moveTo(last, base);
			open = true;
		}
		ctx.lineTo(last, f.y(beyond));
	}
	close();
}

/** Late data has a hatched bar at the foot of the plot. */
function drawLate(f: Frame): void {
	const { ctx, plot, scene } = f;
	const h = f.px(6);
	for (const l of scene.trip?.late ?? []) {
		const s = f.span(l.from_ms, l.to_ms);
		if (s === undefined) continue;
		const y = plot.y + plot.h - h;
		ctx.fillStyle = scene.paint.lateHatch;
		ctx.fillRect(s.x, y, s.w, h);
		ctx.strokeStyle = scene.paint.colours['low'] ?? scene.paint.ink;
		ctx.lineWidth = f.px(1);
		ctx.strokeRect(s.x, y, s.w, h);
	}
}

/** Above the lines. */
export function drawOver(u: uPlot, scene: Scene): void {
	const f = begin(u, scene);
	f.ctx.save();
	clip(f);
	drawUncounted(f);
	drawFaults(f);
	f.ctx.restore();
	drawUnit(f);
	drawMarks(f);
	labelExcursions(f);
	labelGaps(f);
	labelUncounted(f);
	labelLines(f);
	labelLate(f);
	labelBand(f);
	f.ctx.restore();
}

/** The unit stands above the axis of temperatures. */
function drawUnit(f: Frame): void {
	const { ctx, plot, scene } = f;
	ctx.fillStyle = scene.paint.ink2;
	ctx.textAlign = 'right';
	ctx.fillText('°C', plot.x - f.px(8), plot.y - f.px(8));
	ctx.textAlign = 'left';
}

/** Times that are shown and never counted. */
function uncounted(trip: Trip | undefined): { fromMS: number; toMS: number; texts: string[] }[] {
	if (trip === undefined) return [];
	const out = [];
	if (trip.before.readings > 0) {
		const toMS = trip.settled ? (trip.settled_ms ?? trip.before.to_ms) : trip.before.to_ms;
		out.push({ fromMS: trip.before.from_ms, toMS, texts: [t('chart.phase.before'), t('chart.phase.before.short')] });
	}
	if (trip.after.readings > 0) out.push({ fromMS: trip.after.from_ms, toMS: trip.after.to_ms, texts: [t('chart.phase.after'), t('chart.phase.after.short')] });
	return out;
}

function drawUncounted(f: Frame): void {
	const { ctx, plot, scene } = f;
	for (const u of uncounted(scene.trip)) {
		const s = f.span(u.fromMS, u.toMS);
		if (s === undefined) continue;
		ctx.globalAlpha = 0.6;
		ctx.fillStyle = scene.paint.surface;
		ctx.fillRect(s.x, plot.y, s.w, plot.h);
		ctx.globalAlpha = 1;
		ctx.strokeStyle = scene.paint.strong;
		ctx.lineWidth = f.px(1);
		ctx.setLineDash([f.px(1), f.px(3)]);
		const edge = u.fromMS === scene.trip?.before.from_ms ? s.x + s.w : s.x;
		ctx.beginPath();
		ctx.moveTo(edge, plot.y);
		ctx.lineTo(edge, plot.y + plot.h);
		ctx.stroke();
		ctx.setLineDash([]);
	}
}

/** Faults are crosses in a row at the head of the plot, joined while they last. */
function drawFaults(f: Frame): void {
	const { ctx, plot, scene } = f;
	const arm = f.px(3);
	ctx.strokeStyle = scene.paint.colours['medium'] ?? scene.paint.ink;
	ctx.lineWidth = f.px(1.5);
	for (const fault of scene.model.faults) {
		const s = f.span(fault.fromMS, fault.toMS);
		if (s === undefined) continue;
		const y = plot.y + f.px(8 + 8 * (fault.line % 3));
		ctx.beginPath();
		for (const x of s.w > f.px(4) ? [s.x, s.x + s.w] : [s.x]) {
			ctx.moveTo(x - arm, y - arm);
			ctx.lineTo(x + arm, y + arm);
			ctx.moveTo(x - arm, y + arm);
			ctx.lineTo(x + arm, y - arm);
		}
		ctx.moveTo(s.x, y);
		ctx.lineTo(s.x + s.w, y);
		ctx.stroke();
	}
}

function drawMarks(f: Frame): void {
	const { ctx, plot, all, scene } = f;
	ctx.strokeStyle = scene.paint.ink;
	ctx.lineWidth = f.px(1);
	const labels: { text: string; r: Rect }[] = [];
	for (const m of scene.marks) {
		const x = Math.round(f.x(m.ms)) + 0.5;
		if (x < plot.x - 1 || x > plot.x + plot.w + 1) continue;
		const label = f.find(m.texts, (w, h) => laneRects(f, x, w, h), all, plot.w * 0.45);
		if (label !== undefined) labels.push(label);
		ctx.beginPath();
		ctx.moveTo(x, label === undefined ? plot.y : label.r.y + label.r.h);
		ctx.lineTo(x, plot.y + plot.h);
		ctx.stroke();
	}
	for (const l of labels) f.write(l.text, l.r, scene.paint.ink); // over the lines
}

/** Above the plot, from the lowest lane up: right of the line, centred on it, left of it. */
function laneRects(f: Frame, x: number, w: number, h: number): Rect[] {
	const out: Rect[] = [];
	for (let i = 1; i <= f.scene.lanes; i++) {
		const y = f.plot.y - i * h - f.px(2);
		for (const left of [x - f.px(2), x - w / 2, x - w + f.px(2)]) out.push({ x: left, y, w, h });
	}
	return out;
}

function labelExcursions(f: Frame): void {
	const { plot, scene } = f;
	const list = [...(scene.trip?.excursions ?? [])].sort((a, b) => Number(isTotal(a.kind)) - Number(isTotal(b.kind)));
	for (const x of list) {
		const s = f.span(x.began_ms, x.ended_ms);
		if (s === undefined) continue;
		const text = isTotal(x.kind) ? `${x.rule}: ${excursionLabel(x)}` : excursionLabel(x);
		const tip = hasLimit(x.kind) ? f.y(x.extreme_mc / 1000) : plot.y + plot.h / 2;
		const down = isBelow(x.kind);
		f.label(
			[text],
			(w, h) => {
				const mid = s.x + s.w / 2;
				const step = down ? h : -h;
				const start = down ? tip + f.px(3) : tip - h - f.px(3);
				const beside = [s.x + s.w + f.px(4), s.x - w - f.px(4)].map((left) => ({ x: left, y: tip - h / 2 - (down ? f.px(4) : 0), w, h }));
				return [...rows(mid, w, h, start, step, 2, plot), ...beside, ...rows(mid, w, h, start, -step, 8, plot)];
			},
			plot,
			scene.paint.colours[x.severity] ?? scene.paint.ink,
		);
	}
}

function labelGaps(f: Frame): void {
	const { plot, scene } = f;
	for (const g of scene.trip?.gaps ?? []) {
		const s = f.span(g.from_ms, g.to_ms);
		if (s === undefined) continue;
		f.label(gapLabels(g), (w, h) => rows(s.x + s.w / 2, w, h, plot.y + plot.h * 0.3, h, 6, plot), plot, scene.paint.ink, Math.max(s.w, plot.w * 0.28));
	}
}

function labelUncounted(f: Frame): void {
	const { plot, scene } = f;
	for (const u of uncounted(scene.trip)) {
		const s = f.span(u.fromMS, u.toMS);
		if (s === undefined) continue;
		const text = fitting(u.texts, Math.max(s.w, f.px(90)), (x) => f.measure(x));
		if (text !== undefined) f.label([text], (w, h) => rows(s.x + s.w / 2, w, h, plot.y + f.px(2), h, 4, plot), plot, scene.paint.ink2);
	}
}

/** A line's name stands at its newest visible value. */
function labelLines(f: Frame): void {
	const { plot, scene } = f;
	const { model } = scene;
	const max = f.u.scales['x']?.max ?? model.toMS;
	const min = f.u.scales['x']?.min ?? model.fromMS;
	model.lines.forEach((line, i) => {
		const end = nearest(model.x, max);
		for (let k = end; k >= 0 && (model.x[k] ?? 0) >= min; k--) {
			const v = line.temps[k] ?? null;
			if (v === null) continue;
			const x = Math.min(f.x(model.x[k] ?? 0), plot.x + plot.w);
			const y = f.y(v);
			const name = scene.names[i] ?? '';
			f.label(
				[name],
				(w, h) => [y - h - f.px(2), y + f.px(3), y - 2 * h, y + h + f.px(3)].flatMap((top) => [0, 1, 2].map((n) => clampX({ x: x - w - n * w, y: top, w, h }, plot))),
				plot,
				line.judged ? scene.paint.ink : scene.paint.ink2,
			);
			return;
		}
	});
}

function labelLate(f: Frame): void {
	const { plot, scene } = f;
	for (const l of scene.trip?.late ?? []) {
		const s = f.span(l.from_ms, l.to_ms);
		if (s === undefined) continue;
		f.label(lateLabels(l.cause), (w, h) => (w > Math.max(s.w, f.px(60)) ? [] : rows(s.x + s.w / 2, w, h, plot.y + plot.h - h - f.px(8), -h, 2, plot)), plot, scene.paint.colours['low'] ?? scene.paint.ink);
	}
}

function labelBand(f: Frame): void {
	const { plot, scene } = f;
	const p = scene.trip?.profile;
	if (p === undefined) return;
	const top = f.y(p.high_mc / 1000);
	f.label(
		[bandText(p.low_mc, p.high_mc)],
		(w, h) => [plot.x + f.px(4), plot.x + plot.w / 2 - w / 2, plot.x + plot.w - w - f.px(4)].flatMap((x) => [top + f.px(2), top - h - f.px(2)].map((y) => ({ x, y, w, h }))),
		plot,
		scene.paint.ink2,
	);
}
