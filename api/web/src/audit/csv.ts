/** A table as RFC 4180 has it. What a spreadsheet would take for a formula gets an apostrophe (ASVS 1.2.10). */
export function csv(rows: readonly (readonly string[])[]): string {
	return rows.map((row) => row.map(field).join(',') + '\r\n').join('');
}

function field(value: string): string {
	const safe = /^[=+\-@\t\0]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
