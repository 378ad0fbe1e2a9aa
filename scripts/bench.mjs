// npm run bench: measures the gateway. Arguments go to bench/main.ts.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady } from './setup.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runScript } from './setup/setup-error.mjs';
import { stopWithParent } from './setup/stop-with-parent.mjs';

stopWithParent();
await runScript(async () => {
  await ensureReady({ build: true, dev: true, uws: 'wanted' });
  const { main } = await import(pathToFileURL(join(PROJECT_ROOT, 'dist/bench/main.js')).href);
  process.exit(await main(process.argv.slice(2)));
});
