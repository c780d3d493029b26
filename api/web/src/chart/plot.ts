// uPlot, set up for a trip: the lines, the axes, the cursor, zoom by dragging and by touch.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { tempNumber, timePlain } from '../lib/format';
import { drawOver, drawUnder, lane, type Scene } from './draw';
import type { Extent, Model } from './model';
import { strokeOf } from './paint';
import type { View } from './view';

export interface PlotEvents {
	/** The cursor is at a time, or left the plot. */
	cursor(ms: number | undefined): void;
	/** A part of the time was chosen. */
	zoom(fromMS: number, toMS: number): void;
	/** Where the plot lies in its element, CSS pixels. */
	placed(left: number, width: number): void;
}

/** Shortest time that is shown, milliseconds. */
export const shortestMS = 20_000;

/** Times at the axis: with seconds when ticks are closer than a minute, with the day at midnight. */
function times(_: uPlot, splits: number[], __: number, ___: number, incr: number): string[] {
	return splits.map((ms) => {
		const d = new Date(ms);
		if (incr < 60_000) return `${timePlain(ms)}:${String(d.getSeconds()).padStart(2, '0')}`;
		return d.getHours() === 0 && d.getMinutes() === 0 ? `${d.getDate()}.${d.getMonth() + 1}.` : timePlain(ms);
	});
}

const minute = 60_000;
const increments = [1000, 2000, 5000, 10_000, 15_000, 30_000, ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14_400].map((m) => m * minute)];

export class Plot {
	readonly #u: uPlot;
	#scene: Scene;
	#scale: Extent;
	#view: View;
	#quiet = false;
	#gone = false;
	#cursorMS: number | undefined;
	#begun: number;

	constructor(host: HTMLElement, scene: (u: { ctx: CanvasRenderingContext2D }) => Scene, model: Model, scale: Extent, view: View, size: { width: number; height: number }, lanes: number, on: PlotEvents) {
		this.#begun = performance.now();
		this.#scale = scale;
		this.#view = view;
		const scratch = document.createElement('canvas').getContext('2d');
		if (scratch === null) throw new Error('this browser draws no canvas');
		this.#scene = scene({ ctx: scratch });
		this.#u = new uPlot(this.#options(model, size, lanes, on), [model.x, ...model.lines.map((l) => l.temps)], host);
	}

	#options(model: Model, size: { width: number; height: number }, lanes: number, on: PlotEvents): uPlot.Options {
		const colour = (of: (s: Scene) => string) => () => of(this.#scene);
		const axis: uPlot.Axis = {
			stroke: colour((s) => s.paint.ink2),
			grid: { stroke: colour((s) => `color-mix(in srgb, ${s.paint.ink} 15%, transparent)`), width: 1 },
			ticks: { stroke: colour((s) => s.paint.line), width: 1, size: 4 },
			font: `12px ${getComputedStyle(document.documentElement).getPropertyValue('--font').trim() || 'sans-serif'}`,
		};
		return {
			...size,
			ms: 1,
			padding: [Math.max(lane * lanes + 6, 18), 22, 0, 0],
			legend: { show: false },
			cursor: {
				y: false,
				drag: { x: true, y: false, setScale: false, dist: 6 },
				points: { size: 7, width: 1.5, fill: colour((s) => s.paint.surface) },
			},
			scales: {
				x: { time: true, range: () => [this.#view.fromMS, this.#view.toMS] },
				y: { range: () => [this.#scale.low, this.#scale.high] },
			},
			series: [{}, ...model.lines.map((_, i) => this.#line(i))],
			axes: [
				{ ...axis, size: 30, gap: 4, space: 64, incrs: increments, values: times },
				{ ...axis, size: 46, gap: 4, space: 32, values: (_, splits) => splits.map((v) => tempNumber(v * 1000)) },
			],
			hooks: {
				drawClear: [(u) => drawUnder(u, this.#scene)],
				draw: [(u) => this.#drawn(u, on)],
				setCursor: [(u) => this.#moved(u, on)],
				setSelect: [(u) => this.#selected(u, on)],
			},
		};
	}

	#line(index: number): uPlot.Series {
		const line = () => this.#scene.model.lines[index];
		const judged = line()?.judged ?? false;
		const number = this.#scene.model.lines.slice(0, index).filter((l) => l.judged === judged && l.segment === line()?.segment).length;
		const { width, dash } = strokeOf(judged, number);
		return {
			stroke: () => (judged ? this.#scene.paint.ink : this.#scene.paint.ink2),
			width,
			dash,
			spanGaps: false,
			points: {
				show: () => (line()?.lonely.length ?? 0) > 0,
				filter: (_, __, show) => (show ? [...(line()?.lonely ?? [])] : null),
				size: 4,
				stroke: () => this.#scene.paint.ink,
				fill: () => this.#scene.paint.ink,
			},
		};
	}

	#drawn(u: uPlot, on: PlotEvents): void {
		drawOver(u, this.#scene);
		queueMicrotask(() => this.point(this.#cursorMS));
		const ratio = this.#scene.paint.ratio;
		on.placed(u.bbox.left / ratio, u.bbox.width / ratio);
		if (this.#begun > 0) {
			if (performance.getEntriesByName('chart draw').length >= 20) performance.clearMeasures('chart draw'); // a wall screen runs for weeks
			performance.measure('chart draw', { start: this.#begun, end: performance.now(), detail: { rows: this.#scene.model.x.length, probes: this.#scene.model.lines.length } });
			this.#begun = 0;
		}
	}

	#moved(u: uPlot, on: PlotEvents): void {
		const { left, idx, event } = u.cursor;
		if (this.#quiet || event == null) return; // only a hand's movement is told: new data move the cursor too
		on.cursor(left == null || left < 0 || idx == null ? undefined : this.#scene.model.x[idx]);
	}

	#selected(u: uPlot, on: PlotEvents): void {
		const { left, width } = u.select;
		if (width < 4) return;
		on.zoom(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
		u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
	}

	/** Shows other data of the same probes. */
	show(scene: (u: { ctx: CanvasRenderingContext2D }) => Scene, model: Model, scale: Extent, view: View): void {
		this.#begun = performance.now();
		this.#scene = scene(this.#u);
		this.#scale = scale;
		this.#view = view;
		this.#u.setData([model.x, ...model.lines.map((l) => l.temps)], true);
	}

	resize(width: number, height: number): void {
		if (width !== this.#u.width || height !== this.#u.height) this.#u.setSize({ width, height });
	}

	/** Moves the cursor without telling of it. */
	point(ms: number | undefined): void {
		this.#cursorMS = ms;
		if (this.#gone) return;
		const left = ms === undefined ? -10 : this.#u.valToPos(ms, 'x');
		if (Math.abs((this.#u.cursor.left ?? -10) - left) < 0.5) return;
		this.#quiet = true;
		this.#u.setCursor({ left, top: ms === undefined ? -10 : 1 });
		this.#quiet = false;
	}

	/** The time under a place of the window. */
	timeAt(clientX: number): number {
		this.#u.syncRect();
		return this.#u.posToVal(clientX - this.#u.rect.left, 'x');
	}

	get over(): HTMLElement {
		return this.#u.over;
	}

	destroy(): void {
		this.#gone = true;
		this.#u.destroy();
	}
}
