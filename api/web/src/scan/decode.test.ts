// Reads real codes, made by ZXing's writer, with the same module and options as the pages.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { toQR } from '../offline/envelope';
import { decodePixels } from './decode';

// There is no server here that the module could be fetched from: its bytes come with the address.
vi.mock('zxing-wasm/reader/zxing_reader.wasm?url', () => import('zxing-wasm/reader/zxing_reader.wasm?url&inline'));

let write: typeof import('zxing-wasm/writer').writeBarcode;

beforeAll(async () => {
	const writer = await import('zxing-wasm/writer');
	const { default: url } = await import('zxing-wasm/writer/zxing_writer.wasm?url&inline');
	writer.prepareZXingModule({ overrides: { locateFile: () => url } });
	write = writer.writeBarcode;
});

/** A picture of the code: each module so many pixels wide, with its quiet zone, on grey as a camera sees it. */
async function picture(text: string, format: 'QRCode' | 'Code128' | 'DataMatrix', scale = 4): Promise<ImageData> {
	const { symbol, error } = await write(text, { format, addQuietZones: true });
	if (!symbol) throw new Error(error);
	const tall = symbol.height === 1 ? 60 : 1;
	const [w, h] = [symbol.width * scale, symbol.height * scale * tall];
	const data = new Uint8ClampedArray(w * h * 4);
	for (let y = 0; y < h; y++) {
		for (let x = 0; x < w; x++) {
			const on = symbol.data[Math.floor(y / scale / tall) * symbol.width + Math.floor(x / scale)]!;
			data.set([on ? 200 : 40, on ? 200 : 40, on ? 200 : 40, 255], (y * w + x) * 4);
		}
	}
	return { data, width: w, height: h, colorSpace: 'srgb' } as ImageData;
}

describe('decodePixels', () => {
	it.each([
		['a link to a box', 'https://ledger.example/b/L4-7Q2X', 'QRCode'],
		['a donor ID as Code 128', '=G12349865432100', 'Code128'],
		['a label as Data Matrix', 'L4-7Q2X', 'DataMatrix'],
	] as const)('reads %s', async (_, text, format) => {
		const got = await decodePixels(await picture(text, format));
		expect(got).toEqual([{ text, format }]);
	});
	it('reads an act of a kilobyte as another phone shows it', async () => {
		const bytes = new Uint8Array(700).map((_, i) => (i * 7919 + (i >> 3) * 131) & 0xff); // does not compress
		for (const frame of await toQR(bytes)) expect((await decodePixels(await picture(frame, 'QRCode', 3))).map((x) => x.text)).toEqual([frame]);
	});
	it('finds nothing in a grey picture', async () => {
		expect(await decodePixels({ data: new Uint8ClampedArray(200 * 200 * 4).fill(128), width: 200, height: 200, colorSpace: 'srgb' } as ImageData)).toEqual([]);
	});
});
