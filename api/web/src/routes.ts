// What each route shows and who it is for. Every page is a chunk of its own.
import type { Component } from 'svelte';
import type { S } from './lib/api';
import type { RouteName } from './router.svelte';

type Load = () => Promise<{ default: Component }>;

interface Show {
	readonly load: Load;
	/** Roles it is for; everybody when missing. The ledger decides all the same what it answers. */
	readonly roles?: readonly S['Role'][];
}

const hands: readonly S['Role'][] = ['courier', 'coordinator', 'center'];
const desks: readonly S['Role'][] = ['coordinator', 'center', 'auditor', 'admin'];

export const shows: Readonly<Partial<Record<RouteName, Show>>> = {
	signin: { load: () => import('./account/SignIn.svelte') },
	join: { load: () => import('./account/Join.svelte') },
	me: { load: () => import('./account/Me.svelte') },
	carry: { load: () => import('./courier/Courier.svelte'), roles: hands },
	take: { load: () => import('./courier/Courier.svelte'), roles: hands },
	box: { load: () => import('./courier/Courier.svelte'), roles: hands },
	handoff: { load: () => import('./courier/Handoff.svelte'), roles: hands },
	prepare: { load: () => import('./prepare/Prepare.svelte'), roles: ['courier', 'coordinator', 'center'] },
	board: { load: () => import('./center/Board.svelte'), roles: desks },
	wall: { load: () => import('./center/Wall.svelte') },
	case: { load: () => import('./center/Case.svelte') },
	sheet: { load: () => import('./center/Sheet.svelte') },
	find: { load: () => import('./center/Find.svelte'), roles: ['coordinator', 'center', 'courier', 'auditor'] },
	alarms: { load: () => import('./center/Alarms.svelte') },
	shared: { load: () => import('./center/Shared.svelte') },
	audit: { load: () => import('./audit/Audit.svelte'), roles: ['auditor', 'admin', 'coordinator', 'center'] },
	exports: { load: () => import('./audit/Exports.svelte'), roles: ['auditor', 'admin', 'coordinator', 'center'] },
	trail: { load: () => import('./audit/Trail.svelte'), roles: ['auditor'] },
	operate: { load: () => import('./operate/Operate.svelte'), roles: ['admin'] },
	boxes: { load: () => import('./operate/Boxes.svelte'), roles: ['admin', 'coordinator'] },
	people: { load: () => import('./operate/People.svelte'), roles: ['admin', 'coordinator'] },
	certificates: { load: () => import('./operate/Certificates.svelte'), roles: ['admin', 'coordinator'] },
	demo: { load: () => import('./demo/Demo.svelte') },
};

/** Where a role begins. */
export const homes: Readonly<Record<S['Role'], string>> = {
	courier: '/carry',
	coordinator: '/board',
	center: '/board',
	auditor: '/audit',
	admin: '/operate',
};

interface Section {
	readonly name: 'carry' | 'prepare' | 'board' | 'find' | 'alarms' | 'audit' | 'exports' | 'trail' | 'operate' | 'boxes' | 'people' | 'certificates';
	readonly href: string;
	/** Routes that belong to it besides its own. */
	readonly also?: readonly RouteName[];
}

const section = {
	carry: { name: 'carry', href: '/carry', also: ['handoff', 'take', 'box'] },
	prepare: { name: 'prepare', href: '/prepare' },
	board: { name: 'board', href: '/board', also: ['case'] },
	find: { name: 'find', href: '/find' },
	alarms: { name: 'alarms', href: '/alarms' },
	audit: { name: 'audit', href: '/audit' },
	exports: { name: 'exports', href: '/audit/exports' },
	trail: { name: 'trail', href: '/audit/trail' },
	operate: { name: 'operate', href: '/operate' },
	boxes: { name: 'boxes', href: '/operate/boxes' },
	people: { name: 'people', href: '/operate/people' },
	certificates: { name: 'certificates', href: '/operate/certificates' },
} as const satisfies Record<string, Section>;

/** What the top bar offers to a role. */
export const sections: Readonly<Record<S['Role'], readonly Section[]>> = {
	courier: [section.carry, section.prepare, section.alarms],
	coordinator: [section.board, section.prepare, section.carry, section.find, section.alarms, section.exports, section.certificates],
	center: [section.board, section.find, section.carry, section.alarms, section.exports],
	auditor: [section.audit, section.exports, section.trail, section.board, section.find],
	admin: [section.operate, section.boxes, section.people, section.certificates, section.exports],
};
