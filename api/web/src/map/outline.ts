// Coasts and borders of the world, from Natural Earth, in our own files: no map is asked for anywhere.
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import type { MultiLineString, MultiPolygon, Polygon } from 'geojson';
import url from 'world-atlas/countries-50m.json?url';
import type { LatLng } from './track';

export interface Box {
	readonly south: number;
	readonly west: number;
	readonly north: number;
	readonly east: number;
}

export interface Outline {
	/** Rings of land; holes follow their polygon. */
	readonly land: readonly LatLng[][][];
	readonly borders: readonly LatLng[][];
}

type World = Topology<{ countries: GeometryCollection; land: GeometryCollection }>;

const turn = (p: readonly number[]): LatLng => [p[1] ?? 0, p[0] ?? 0];

function boxOf(points: readonly LatLng[]): Box {
	let [south, west, north, east] = [90, 180, -90, -180];
	for (const [lat, lng] of points) {
		if (lat < south) south = lat;
		if (lat > north) north = lat;
		if (lng < west) west = lng;
		if (lng > east) east = lng;
	}
	return { south, west, north, east };
}

export function touches(a: Box, b: Box): boolean {
	return a.south <= b.north && b.south <= a.north && a.west <= b.east && b.west <= a.east;
}

/** All of it, to be cut with `inside`. */
export function outlineOf(world: World): Outline {
	const land: LatLng[][][] = [];
	const take = (g: Polygon | MultiPolygon) => {
		for (const polygon of g.type === 'Polygon' ? [g.coordinates] : g.coordinates) land.push(polygon.map((ring) => ring.map(turn)));
	};
	for (const f of feature(world, world.objects.land).features) {
		if (f.geometry.type === 'Polygon' || f.geometry.type === 'MultiPolygon') take(f.geometry);
	}
	const lines: MultiLineString = mesh(world, world.objects.countries, (a, b) => a !== b);
	return { land, borders: lines.coordinates.map((line) => line.map(turn)) };
}

/** What touches a box. */
export function inside(outline: Outline, box: Box): Outline {
	return {
		land: outline.land.filter((polygon) => touches(boxOf(polygon[0] ?? []), box)),
		borders: outline.borders.filter((line) => touches(boxOf(line), box)),
	};
}

let loaded: Promise<Outline> | undefined;

/** Loads the outlines once for the page. */
export function loadOutline(): Promise<Outline> {
	loaded ??= fetch(url).then(async (answer) => {
		if (!answer.ok) throw new Error(`outlines: ${answer.status}`);
		return outlineOf((await answer.json()) as World);
	});
	loaded.catch(() => (loaded = undefined));
	return loaded;
}
