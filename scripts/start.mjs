// npm start: sets up what is missing, then `gateway start`. Arguments go on: npm start -- --help
import { runCli } from './setup/run-cli.mjs';
import { runScript } from './setup/setup-error.mjs';
import { stopWithParent } from './setup/stop-with-parent.mjs';

stopWithParent();
await runScript(() => runCli(['start', ...process.argv.slice(2)]));
