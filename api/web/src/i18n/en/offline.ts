import { register } from '../index';

export default register('offline', {
	'ready': 'Ready to sign offline',
	'notReady': 'Not ready to sign offline',
	'missing.browser': 'This browser can\'t sign. Use Chrome or Edge 137, Safari 17, Firefox 130, or later.',
	'missing.key': 'No signing key of yours is on this device. Make one under your account.',
	'missing.keyUnknown': 'The ledger does not know this device\'s key yet. An administrator has to register it.',
	'missing.app': 'The pages are not saved on this device yet. Leave this page open while there is a network.',
	'missing.case': 'This case is not saved on this device. Open it once while there is a network.',
	'missing.head': 'No reading of the box is saved here. Wait for its first one, or scan the code on the box\'s own page.',
	'missing.people': 'The names of the people a box can be handed to are not saved on this device yet. Leave this page open while there is a network.',
	'missing.storage': 'The browser may delete what is saved when the device runs full. Install the app to prevent that.',
	'waiting': { one: '{n} act waits since {since}', other: '{n} acts wait since {since}' },
	'refused': { one: '{n} act was refused', other: '{n} acts were refused' },
	'state.waiting': 'waits',
	'state.sending': 'on its way',
	'state.refused': 'refused',
	'state.done': 'in the ledger',
	'onBox': 'also on the box, as record {n}',
});
