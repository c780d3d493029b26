// Reads codes from pictures: with the browser's own detector where there is one, else with ZXing, which is fetched from our own origin
// when it is needed first.
import wasmURL from 'zxing-wasm/reader/zxing_reader.wasm?url';

export interface Code {
	text: string;
	format: string;
}

/** A picture: a frame of the camera, or a photo. */
export type Picture = HTMLVideoElement | ImageBitmap;

interface Detector {
	detect(source: CanvasImageSource): Promise<{ rawValue: string; format: string }[]>;
}
interface DetectorClass {
	new (options: { formats: string[] }): Detector;
	getSupportedFormats(): Promise<string[]>;
}

const native = ['qr_code', 'code_128', 'data_matrix', 'code_39', 'ean_13', 'itf'];
const zxing = ['QRCode', 'Code128', 'DataMatrix', 'Code39', 'EAN13', 'ITF'] as const;
/** Photos are scaled down to this: enough for a dense code, little enough for a phone. */
const longestSide = 1600;

async function nativeDetector(): Promise<Detector | undefined> {
	const make = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
	if (!make) return undefined;
	try {
		const has = await make.getSupportedFormats();
		if (!has.includes('qr_code') || !has.includes('code_128')) return undefined;
		return new make({ formats: native.filter((f) => has.includes(f)) });
	} catch {
		return undefined;
	}
}

type ReadBarcodes = typeof import('zxing-wasm/reader').readBarcodes;

async function loadZXing(): Promise<ReadBarcodes> {
	const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
	await prepareZXingModule({ overrides: { locateFile: () => wasmURL }, fireImmediately: true });
	return readBarcodes;
}

let loading: Promise<ReadBarcodes> | undefined;

/** Reads all codes in pixels with ZXing. */
export async function decodePixels(pixels: ImageData): Promise<Code[]> {
	loading ??= loadZXing().catch((err: unknown) => {
		loading = undefined;
		throw err;
	});
	const read = await loading;
	const found = await read(pixels, { formats: [...zxing], tryHarder: true, maxNumberOfSymbols: 4 });
	return found.filter((x) => x.isValid && x.text !== '').map((x) => ({ text: x.text, format: x.format }));
}

function pixelsOf(picture: Picture): ImageData | undefined {
	const [w, h] = picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
	if (!w || !h) return undefined;
	const scale = Math.min(1, longestSide / Math.max(w, h));
	const canvas = document.createElement('canvas');
	canvas.width = Math.round(w * scale);
	canvas.height = Math.round(h * scale);
	const context = canvas.getContext('2d', { willReadFrequently: true });
	if (!context) return undefined;
	context.drawImage(picture, 0, 0, canvas.width, canvas.height);
	return context.getImageData(0, 0, canvas.width, canvas.height);
}

let detector: Promise<Detector | undefined> | undefined;

/** Reads all codes in a picture; none is an empty list. */
export async function decode(picture: Picture): Promise<Code[]> {
	detector ??= nativeDetector();
	const own = await detector;
	if (own) {
		try {
			const found = (await own.detect(picture)).map((x) => ({ text: x.rawValue, format: x.format }));
			if (found.length > 0 || picture instanceof HTMLVideoElement) return found;
		} catch {
			detector = Promise.resolve(undefined); // a service behind it is missing: ours does it
		}
	}
	const pixels = pixelsOf(picture);
	return pixels ? decodePixels(pixels) : [];
}
