import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { onUp } from './lib/feed';
import { startOutbox } from './lib/outbox.svelte';
import { begin } from './lib/session.svelte';
import { registerWorker } from './offline/worker';
import { route, startRouter } from './router.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');

startRouter();
void begin(route.rule.open !== true && route.name !== 'home');
// What was signed is sent once the page stands: the code for it is not needed to draw the page, and must not slow down what is.
setTimeout(() => void startOutbox().then((outbox) => onUp(() => void outbox.hurry())), 1000);
if (import.meta.env.PROD) registerWorker();
mount(App, { target });
