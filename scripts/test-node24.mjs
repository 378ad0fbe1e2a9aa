// npm run test:node24: the same tests on Node 24, whatever Node this is. The binary comes from npm and stays in .setup.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensureReady } from './setup.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runVisibly, toolScript } from './setup/run-tool.mjs';
import { runScript, SetupError } from './setup/setup-error.mjs';
import { ensureSystemPackages } from './setup/system-packages.mjs';

/** @returns {string} path of a Node 24 */
function installNode24() {
  if (process.platform !== 'linux') throw new SetupError('npm run test:node24 works on Linux; elsewhere use Node 24.');
  const folder = join(PROJECT_ROOT, '.setup/node24');
  const name = `node-linux-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  console.error('Installing Node 24 for the tests (npm, into .setup/node24) ...');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n'); // or npm would install into the project
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `${name}@24`];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', process.stderr, process.stderr] });
  if (status !== 0 || !existsSync(node)) throw new SetupError(`npm install ${name}@24 failed.`);
  return node;
}

await runScript(async () => {
  await ensureReady({ build: true, dev: true }); // also makes the uWebSockets.js file for Node 24 loadable here
  ensureSystemPackages((line) => console.error(line));
  const node = installNode24();
  const env = {
    ...process.env,
    PATH: [dirname(node), process.env['PATH']].join(delimiter),
    NODE: node,
    npm_node_execpath: node,
  };
  console.log(`node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()} (${node})`);
  return await runVisibly(node, [toolScript('vitest'), 'run', ...process.argv.slice(2)], env);
});
