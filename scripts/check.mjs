// npm run check: the quick gate, also run before each commit. Format, lint, types, unused code.
import { ensureReady } from './setup.mjs';
import { runGate } from './setup/gate.mjs';
import { runScript } from './setup/setup-error.mjs';

await runScript(async () => {
  await ensureReady({ build: false, dev: true, uws: 'unused' });
  return (await runGate()) ? 0 : 1;
});
