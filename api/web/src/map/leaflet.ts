// Leaflet, set up for a trip. In a chunk of its own, with its style sheet.
import * as L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import { inside, type Outline } from './outline';
import type { LatLng, Stop } from './track';

export interface Drawing {
	readonly pieces: readonly LatLng[][];
	readonly excursions: readonly { severity: string; text: string; lines: readonly LatLng[][] }[];
	readonly stops: readonly Stop[];
	readonly plan: readonly (readonly [LatLng, LatLng])[];
	readonly marks: readonly { at: LatLng; text: string }[];
	readonly newest: { at: LatLng; text: string } | undefined;
}

export interface MapEvents {
	/** A place near the way was pointed at, or none. */
	point(at: LatLng | undefined): void;
}

export interface MapWords {
	readonly zoomIn: string;
	readonly zoomOut: string;
}

/** Labels, the most important first. */
const kinds = ['excursion', 'newest', 'act', 'stop'] as const;
type Kind = (typeof kinds)[number];

/** How near to the way a pointer must be, pixels. */
const nearPX = 24;

export class TripLeaflet {
	readonly #map: L.Map;
	readonly #outlines: L.LayerGroup;
	readonly #drawn: L.LayerGroup;
	readonly #cursor: L.CircleMarker;
	readonly #pane: L.Canvas;
	#outline: Outline | undefined;
	#shown: L.LatLngBounds | undefined;
	#drawing: Drawing | undefined;
	#labels: { rank: number; tooltip: L.Tooltip }[] = [];
	#fitted = false;

	constructor(host: HTMLElement, words: MapWords, on: MapEvents) {
		const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
		const fingers = matchMedia('(pointer: coarse)').matches;
		this.#map = L.map(host, {
			preferCanvas: true,
			attributionControl: false,
			zoomControl: false,
			zoomSnap: 0.5,
			minZoom: 2,
			maxZoom: 17,
			worldCopyJump: true,
			zoomAnimation: !still,
			fadeAnimation: false,
			inertia: !still,
			scrollWheelZoom: false,
			dragging: !fingers, // one finger scrolls the page, two move the map
		});
		this.#map.setView([50, 10], 4);
		L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(this.#map);
		L.control.scale({ imperial: false, maxWidth: 120 }).addTo(this.#map);
		const pane = this.#map.createPane('outline');
		pane.style.zIndex = '150';
		this.#pane = L.canvas({ pane: 'outline', padding: 0.5 });
		this.#outlines = L.layerGroup().addTo(this.#map);
		this.#drawn = L.layerGroup().addTo(this.#map);
		this.#cursor = L.circleMarker([0, 0], { radius: 7, weight: 3, fillOpacity: 1, interactive: false });
		this.#map.on('focus', () => this.#map.scrollWheelZoom.enable());
		this.#map.on('blur', () => this.#map.scrollWheelZoom.disable());
		this.#map.on('moveend', () => this.#showOutline());
		this.#map.on('zoomend moveend', () => this.#declutter());
		this.#map.on('mousemove click', (e) => on.point(this.#nearest(e as L.LeafletMouseEvent)));
		this.#map.on('mouseout', () => on.point(undefined));
	}

	#token(name: string): string {
		return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
	}

	/** Pictures of an operator's map, over the outlines. */
	tiles(url: string): void {
		L.tileLayer(url, { maxZoom: 17 }).addTo(this.#map);
	}

	outline(outline: Outline): void {
		this.#outline = outline;
		this.#shown = undefined;
		this.#showOutline();
	}

	#showOutline(): void {
		const view = this.#map.getBounds();
		if (this.#outline === undefined || this.#shown?.contains(view) === true) return;
		const box = view.pad(1);
		this.#shown = box;
		const part = inside(this.#outline, { south: box.getSouth(), west: box.getWest(), north: box.getNorth(), east: box.getEast() });
		this.#outlines.clearLayers();
		const base = { renderer: this.#pane, interactive: false, smoothFactor: 1 };
		for (const polygon of part.land) L.polygon(polygon, { ...base, weight: 1, color: this.#token('line-strong'), fillColor: this.#token('surface'), fillOpacity: 1 }).addTo(this.#outlines);
		L.polyline(part.borders as LatLng[][], { ...base, weight: 1, dashArray: '4 3', color: this.#token('line-strong') }).addTo(this.#outlines);
	}

	/** Draws the trip; the first time, all of it comes into view. */
	draw(d: Drawing): void {
		this.#drawing = d;
		this.#drawn.clearLayers();
		this.#labels = [];
		const ink = this.#token('ink');
		const still = { interactive: false };
		for (const line of d.plan) L.polyline([...line], { ...still, color: this.#token('line-strong'), weight: 1.5, dashArray: '2 6' }).addTo(this.#drawn);
		for (const s of d.stops) {
			if (s.radiusM > 0) L.circle(s.at, { ...still, radius: s.radiusM, color: this.#token('line-strong'), weight: 1, fillColor: this.#token('band'), fillOpacity: 0.5 }).addTo(this.#drawn);
			this.#label(L.circleMarker(s.at, { ...still, radius: 3, color: this.#token('ink-2'), weight: 1.5, fillColor: this.#token('surface'), fillOpacity: 1 }), s.name, 'stop');
		}
		for (const line of d.pieces) {
			L.polyline(line, { ...still, color: this.#token('surface'), weight: 5 }).addTo(this.#drawn);
			L.polyline(line, { ...still, color: ink, weight: 2.5 }).addTo(this.#drawn);
		}
		for (const x of d.excursions) {
			const colour = this.#token({ high: 'red', medium: 'amber' }[x.severity] ?? 'cyan');
			const ring = { ...still, radius: 10, color: colour, weight: 3, fill: false };
			for (const [i, line] of x.lines.entries()) {
				const [first, last] = [line[0], line.at(-1)];
				if (first === undefined || last === undefined) continue;
				L.polyline(line, { ...still, color: colour, weight: 8 }).addTo(this.#drawn);
				if (this.#apart(first, last) > 20) L.circleMarker(last, ring).addTo(this.#drawn);
				if (i === 0) this.#label(L.circleMarker(first, ring), x.text, 'excursion');
				else L.circleMarker(first, ring).addTo(this.#drawn);
			}
		}
		for (const m of d.marks) this.#label(L.circleMarker(m.at, { ...still, radius: 5, color: ink, weight: 2, fillColor: this.#token('surface'), fillOpacity: 1 }), m.text, 'act');
		if (d.newest !== undefined) this.#label(L.circleMarker(d.newest.at, { ...still, radius: 6, color: ink, weight: 2, fillColor: ink, fillOpacity: 1 }), d.newest.text, 'newest');
		if (!this.#fitted) this.fit();
		else this.#declutter();
	}

	/** Distance of two places as they are shown, pixels. */
	#apart(a: LatLng, b: LatLng): number {
		return this.#map.latLngToContainerPoint(a).distanceTo(this.#map.latLngToContainerPoint(b));
	}

	/** A label is text, never markup. */
	#label(marker: L.CircleMarker, text: string, kind: Kind): void {
		const words = document.createElement('span');
		words.textContent = text;
		const tooltip = L.tooltip({ permanent: true, direction: 'auto', offset: [kind === 'excursion' ? 10 : 6, 0], opacity: 1, className: `place ${kind}`, interactive: false }).setContent(words);
		marker.bindTooltip(tooltip).addTo(this.#drawn);
		this.#labels.push({ rank: kinds.indexOf(kind), tooltip });
	}

	/** Labels over others are hidden: those of the first kinds stay. */
	#declutter(): void {
		const taken: DOMRect[] = [];
		for (const { tooltip } of [...this.#labels].sort((a, b) => a.rank - b.rank)) {
			const e = tooltip.getElement();
			if (e === undefined) continue;
			const r = e.getBoundingClientRect();
			const free = !taken.some((o) => r.left < o.right && o.left < r.right && r.top < o.bottom && o.top < r.bottom);
			e.style.visibility = free ? '' : 'hidden';
			if (free) taken.push(r);
		}
	}

	fit(): void {
		const d = this.#drawing;
		if (d === undefined) return;
		const points = [...d.pieces.flat(), ...d.stops.map((s) => s.at), ...d.marks.map((m) => m.at)];
		if (d.newest !== undefined) points.push(d.newest.at);
		if (points.length === 0 || this.#map.getSize().x === 0) return;
		this.#fitted = true;
		this.#map.fitBounds(L.latLngBounds(points), { padding: [48, 32], maxZoom: 14, animate: false });
		this.#showOutline();
		this.#declutter();
	}

	#nearest(e: L.LeafletMouseEvent): LatLng | undefined {
		let best: LatLng | undefined;
		let apart = nearPX;
		for (const at of this.#drawing?.pieces.flat() ?? []) {
			const d = this.#map.latLngToContainerPoint(at).distanceTo(e.containerPoint);
			if (d < apart) [best, apart] = [at, d];
		}
		return best;
	}

	/** Shows where the box was at the time that is looked at. */
	point(at: LatLng | undefined): void {
		if (at === undefined) {
			this.#cursor.remove();
			return;
		}
		this.#cursor.setLatLng(at).setStyle({ color: this.#token('focus'), fillColor: this.#token('surface') }).addTo(this.#map);
		this.#cursor.bringToFront();
	}

	/** The colours of the theme that is shown now. */
	recolour(): void {
		this.#shown = undefined;
		this.#showOutline();
		if (this.#drawing !== undefined) this.draw(this.#drawing);
	}

	resize(): void {
		this.#map.invalidateSize({ animate: false });
		if (!this.#fitted) this.fit();
	}

	destroy(): void {
		this.#map.remove();
	}
}
