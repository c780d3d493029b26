// What the operator is told about the nodes. Pure: the page shows it.
import type { S } from '../lib/api';

export type Level = 'high' | 'medium' | 'low' | 'none';
export type Finding =
	| { kind: 'differ'; level: 'high'; odd: string[]; size: number }
	| { kind: 'no-majority'; level: 'high'; silent: string[]; reached: number; voters: number }
	| { kind: 'halted'; level: 'high'; names: string[] }
	| { kind: 'no-leader'; level: 'high' }
	| { kind: 'silent'; level: 'medium'; silent: string[]; spare: number }
	| { kind: 'ends'; level: Level; names: string[]; untilMS: number }
	| { kind: 'lag'; level: 'low'; names: string[]; behind: number }
	| { kind: 'agree'; level: 'none'; nodes: number; size: number };

const day = 24 * 3600 * 1000;
/** From how many entries on a lag is told: less is what is under way. */
export const lagTold = 100;

/** How much the end of a certificate wants attention: 30 days are time to renew it. */
export function endLevel(untilMS: number, now: number): Level {
	if (untilMS <= now) return 'high';
	return untilMS - now < 30 * day ? 'medium' : 'none';
}

/** Root -> nodes that have it, the root of most nodes first. */
export function byRoot(nodes: readonly S['NodeState'][]): [root: string, names: string[]][] {
	const found = new Map<string, string[]>();
	for (const n of nodes) {
		if (n.root !== undefined) found.set(n.root, [...(found.get(n.root) ?? []), n.name]);
	}
	return [...found].sort((a, b) => b[1].length - a[1].length);
}

/** The nodes whose root is not that of the majority; all, when no root has one. */
export function oddOnes(nodes: readonly S['NodeState'][]): string[] {
	const groups = byRoot(nodes);
	if (groups.length < 2) return [];
	const rooted = groups.reduce((n, [, names]) => n + names.length, 0);
	return (groups[0]![1].length * 2 > rooted ? groups.slice(1) : groups).flatMap(([, names]) => names).sort();
}

/** What wants attention, the most urgent first; that all agree, when nothing else does. */
export function findings(x: S['Nodes'], now: number): Finding[] {
	const out: Finding[] = [];
	const voters = x.nodes.filter((n) => n.voter);
	const silent = x.nodes.filter((n) => !n.reached).map((n) => n.name);
	const reached = voters.filter((n) => n.reached).length;
	const need = Math.floor(voters.length / 2) + 1;
	if (!x.agreed) out.push({ kind: 'differ', level: 'high', odd: oddOnes(x.nodes), size: x.size });
	if (reached < need) out.push({ kind: 'no-majority', level: 'high', silent, reached, voters: voters.length });
	else if (!x.nodes.some((n) => n.leader)) out.push({ kind: 'no-leader', level: 'high' });
	const halted = x.nodes.filter((n) => n.reached && (n.problem ?? '') !== '').map((n) => n.name);
	if (halted.length > 0) out.push({ kind: 'halted', level: 'high', names: halted });
	if (silent.length > 0 && reached >= need) out.push({ kind: 'silent', level: 'medium', silent, spare: reached - need });
	const ends = x.nodes.flatMap((n) => (n.certificates ?? []).map((c) => ({ name: n.name, untilMS: c.until_ms, level: endLevel(c.until_ms, now) }))).filter((c) => c.level !== 'none');
	if (ends.length > 0) {
		const first = Math.min(...ends.map((c) => c.untilMS));
		out.push({ kind: 'ends', level: endLevel(first, now), names: [...new Set(ends.map((c) => c.name))], untilMS: first });
	}
	const late = x.nodes.filter((n) => n.reached && (n.behind ?? 0) >= lagTold);
	if (late.length > 0) out.push({ kind: 'lag', level: 'low', names: late.map((n) => n.name), behind: Math.max(...late.map((n) => n.behind ?? 0)) });
	if (out.length === 0) out.push({ kind: 'agree', level: 'none', nodes: x.nodes.length, size: x.size });
	return out;
}

/** How far a node is along the longest of them, 0 to 1. */
export function progress(n: S['NodeState'], nodes: readonly S['NodeState'][]): number {
	const most = Math.max(1, ...nodes.map((x) => x.entries ?? 0));
	return (n.entries ?? 0) / most;
}
