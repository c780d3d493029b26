import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { onUp } from './lib/feed';
import { begin } from './lib/session.svelte';
import { outbox } from './offline/outbox.svelte';
import { registerWorker } from './offline/worker';
import { route, startRouter } from './router.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');

startRouter();
void begin(route.rule.open !== true && route.name !== 'home');
outbox.start();
onUp(() => void outbox.hurry());
if (import.meta.env.PROD) registerWorker();
mount(App, { target });
