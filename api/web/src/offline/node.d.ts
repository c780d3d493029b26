// The few calls of Node that the build files make: its types are no dependency of the pages.
declare module 'node:crypto' {
	export function createHash(name: 'sha256'): { update(data: string | Uint8Array): ReturnType<typeof createHash>; digest(form: 'hex' | 'base64'): string };
}
declare module 'node:fs' {
	export function readdirSync(path: string, o: { recursive: true; withFileTypes: true }): { name: string; parentPath: string; isFile(): boolean }[];
	export function readFileSync(path: string): Uint8Array;
}
declare module 'node:fs/promises' {
	export function rename(from: string, to: string): Promise<void>;
}
declare module 'node:path' {
	export function join(...parts: string[]): string;
	export function resolve(...parts: string[]): string;
}
