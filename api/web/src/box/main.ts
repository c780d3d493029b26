import '../style/base.css';
import { mount } from 'svelte';
import Page from './Page.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('box.html has no #app');

const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => (document.documentElement.dataset['theme'] = dark.matches ? 'dark' : 'light');
follow();
dark.addEventListener('change', follow);
mount(Page, { target });
