// npm run test:node24, test:node26: the same tests on that Node, whatever Node this is. The binary comes from npm and
// stays in .setup. Arguments behind the version go to vitest: npm run test:node26 -- limiter
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensureReady } from './setup.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runVisibly, toolScript } from './setup/run-tool.mjs';
import { runScript, SetupError } from './setup/setup-error.mjs';
import { ensureSystemPackages } from './setup/system-packages.mjs';

/**
 * @param {string} major such as `24`
 * @returns {string} path of its newest release that was there when it was first asked for
 */
function installNode(major) {
  if (process.platform !== 'linux')
    throw new SetupError(`npm run test:node${major} works on Linux; elsewhere use Node ${major}.`);
  const folder = join(PROJECT_ROOT, `.setup/node${major}`);
  const name = `node-linux-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  console.error(`Installing Node ${major} for the tests (npm, into .setup/node${major}) ...`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n'); // or npm would install into the project
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${major}`];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', process.stderr, process.stderr] });
  if (status !== 0 || !existsSync(node)) throw new SetupError(`npm install ${name}@${major} failed.`);
  return node;
}

await runScript(async () => {
  const [major = '', ...vitestArgs] = process.argv.slice(2);
  if (!/^\d\d$/.test(major))
    throw new SetupError('Usage: node scripts/test-node.mjs <major version of Node> [vitest arguments]');
  // Makes the uWebSockets.js file for that Node loadable too.
  await ensureReady({ build: true, dev: true, uws: 'wanted' });
  ensureSystemPackages((line) => console.error(line));
  const node = installNode(major);
  const env = {
    ...process.env,
    PATH: [dirname(node), process.env['PATH']].join(delimiter),
    NODE: node,
    npm_node_execpath: node,
  };
  console.log(`node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()} (${node})`);
  return await runVisibly(node, [toolScript('vitest'), 'run', ...vitestArgs], env);
});
