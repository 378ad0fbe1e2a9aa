// npm test: installs what is missing, then the quick gate, then every test. Arguments go to vitest: npm test -- limiter
import { ensureReady } from './setup.mjs';
import { runGate } from './setup/gate.mjs';
import { runVisibly, toolScript } from './setup/run-tool.mjs';
import { runScript } from './setup/setup-error.mjs';
import { ensureSystemPackages } from './setup/system-packages.mjs';

await runScript(async () => {
  await ensureReady({ build: true, dev: true, uws: 'wanted' });
  ensureSystemPackages((line) => console.error(line));
  if (!(await runGate())) return 1;
  return await runVisibly(process.execPath, [toolScript('vitest'), 'run', ...process.argv.slice(2)]);
});
