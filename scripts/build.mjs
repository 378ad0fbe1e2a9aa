// npm run build: dist from the sources, if it is not that already.
import { ensureReady } from './setup.mjs';
import { uwsNeedOf } from './setup/front.mjs';
import { runScript } from './setup/setup-error.mjs';

await runScript(async () => {
  await ensureReady({ build: true, dev: false, uws: uwsNeedOf() });
  return 0;
});
