// A test environment whose modules are built as for the browser: runes run their effects. It brings no DOM.
import type { Environment } from 'vitest/runtime';

export default { name: 'page', viteEnvironment: 'client', setup: () => ({ teardown: () => undefined }) } satisfies Environment;
