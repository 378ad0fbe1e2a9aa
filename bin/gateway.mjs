#!/usr/bin/env node
import { endEarly } from '../scripts/setup/end-early.mjs';

endEarly(); // before the rest is loaded
const { runCli } = await import('../scripts/setup/run-cli.mjs');
const { runScript } = await import('../scripts/setup/setup-error.mjs');
await runScript(() => runCli(process.argv.slice(2)));
