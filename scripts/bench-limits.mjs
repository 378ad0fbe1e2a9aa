// npm run bench:limits: CPU per limited request, Redis included, against nginx + Lua. Arguments go to bench/limits.
import { join } from 'node:path';
import { ensureReady } from './setup.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runVisibly } from './setup/run-tool.mjs';
import { runScript } from './setup/setup-error.mjs';

await runScript(async () => {
  await ensureReady({ build: true, dev: true });
  const entry = join(PROJECT_ROOT, 'dist/bench/limits/main.js');
  return await runVisibly(process.execPath, [entry, ...process.argv.slice(2)]);
});
