#!/usr/bin/env node
import { runCli } from '../scripts/setup/run-cli.mjs';
import { runScript } from '../scripts/setup/setup-error.mjs';

await runScript(() => runCli(process.argv.slice(2)));
