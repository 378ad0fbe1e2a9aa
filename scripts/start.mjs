// npm start: sets up what is missing, then `gateway start`. Arguments go on: npm start -- --help
import { endEarly } from './setup/end-early.mjs';
import { stopWithParent } from './setup/stop-with-parent.mjs';

endEarly(); // before the rest is loaded
stopWithParent();
const { runCli } = await import('./setup/run-cli.mjs');
const { runScript } = await import('./setup/setup-error.mjs');
await runScript(() => runCli(['start', ...process.argv.slice(2)]));
