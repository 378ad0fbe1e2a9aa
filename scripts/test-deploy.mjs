// npm run test:deploy: deploys by deploy.sh on a real engine of its own, and types every block of RUNBOOK.md. Root on Debian.
//   npm run test:deploy -- [--folder FOLDER] [--section TEXT]
// FOLDER keeps engine, packages and images, so that the next run is quick (default: below the temporary folder).
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { restartUnderLoad } from '../test/deploy/restart.mjs';
import { rollBack } from '../test/deploy/rollback.mjs';
import { readBlocks, runBlock } from '../test/deploy/runbook.mjs';
import { runSwarm } from '../test/deploy/swarm.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runVisibly, toolScript } from './setup/run-tool.mjs';
import { runScript, SetupError } from './setup/setup-error.mjs';

const { values } = parseArgs({
  options: { folder: { type: 'string' }, section: { type: 'string', default: '' } },
});
const folder = resolve(values.folder ?? join(tmpdir(), 'gateway-test-deploy'));
const clone = join(folder, 'resilient-api-gateway');
const say = (/** @type {string} */ line) => console.log(line);

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {string}
 */
function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    ...options,
  });
  if (status !== 0)
    throw new SetupError(
      `${program} ${args.join(' ')} ended with ${String(status ?? error)}\n${String(stdout)}${String(stderr)}`,
    );
  return String(stdout);
}

/**
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} step
 * @returns {Promise<T>}
 */
async function timed(what, step) {
  const startMs = performance.now();
  const result = await step();
  say(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  return result;
}

const engine = (/** @type {string} */ verb, /** @type {readonly string[]} */ ...more) =>
  run(join(PROJECT_ROOT, 'test/deploy/engine.sh'), [verb, folder, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** What engine.sh prints for `source`, as variables. */
function engineEnvironment() {
  const line = engine('environment');
  const read = (/** @type {string} */ name) => new RegExp(`${name}="?([^"\\s]+)"?`).exec(line)?.[1] ?? '';
  return {
    ...process.env,
    DOCKER_HOST: read('DOCKER_HOST'),
    DOCKER_CONFIG: read('DOCKER_CONFIG'),
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    ENGINE_NETWORK: read('ENGINE_NETWORK'),
  };
}

/** The files of this folder as git sees them, committed or not. */
function copyProject() {
  rmSync(clone, { recursive: true, force: true });
  const names = run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: PROJECT_ROOT })
    .split('\0')
    .filter(Boolean);
  for (const name of names) {
    const to = join(clone, name);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(PROJECT_ROOT, name), to, { verbatimSymlinks: true });
  }
}

await runScript(async () => {
  if (process.getuid?.() !== 0)
    throw new SetupError('npm run test:deploy starts an engine of its own, which takes root.');
  mkdirSync(folder, { recursive: true });
  await timed('packages of the engine', () => engine('install'));
  engine('stop');
  const env = engineEnvironment();
  await timed('engine, to build', () => engine('start', 'build'));
  let failed = 0;
  try {
    await timed('images that a registry would give', () =>
      run(join(PROJECT_ROOT, 'test/deploy/images.sh'), [folder], { env }),
    );
    copyProject();
    cpSync(join(clone, '.env.prod'), join(clone, '.env'));
    await timed('our images', () =>
      run(
        'docker-compose',
        ['-f', 'docker-compose.prod.yml', 'build', '--build-arg', 'REVISION=unknown', 'proxy-service', 'jobs'],
        { cwd: clone, env },
      ),
    );
    rmSync(join(clone, '.env'));
    say(run('docker', ['images', '--format', '        {{.Repository}}:{{.Tag}} {{.Size}}'], { env }).trimEnd());
    engine('stop');
    await timed('engine, in a network of its own', () => engine('start', 'run'));
    const enter = ['nsenter', `--net=${env.ENGINE_NETWORK}`];
    // What a person has below /opt and in /backup is below our folder.
    const runbook = readFileSync(join(clone, 'RUNBOOK.md'), 'utf8');
    const blocks = readBlocks(
      runbook
        .replaceAll(/(?<=[ "=])\/opt(?=[/ \n])/g, folder)
        .replaceAll(/(?<=[ "])\/backup\b/g, join(folder, 'backup')),
    );
    for (const block of blocks) {
      const where = `RUNBOOK.md:${block.line} ${block.section}`;
      if (block.notRun !== undefined) {
        say(`      -    ${where}: not run, ${block.notRun}`);
        continue;
      }
      if (!block.section.includes(values.section) && block.section !== 'First deployment') continue;
      const problems = await timed(where, () => runBlock(block, { folder: clone, enter, env }));
      for (const problem of problems) say(problem.replaceAll(/^/gm, '           '));
      failed += problems.length;
      if (failed > 0 && block.section === 'First deployment') break; // nothing else can be as it should
    }
    if (failed === 0 || values.section === 'restart') {
      const seen = await timed('both gateways restarted behind nginx, under load', () =>
        restartUnderLoad({ scratch: folder, folder: clone, enter, env }),
      );
      say(`        ${seen}`);
    }
    if (failed === 0 || values.section === 'rollback')
      say(`        ${await timed('an image that does not start', () => rollBack({ folder: clone, enter, env }))}`);
    run(enter[0] ?? '', [...enter.slice(1), 'docker-compose', '-f', 'docker-compose.monitoring.yml', 'down', '-v'], {
      cwd: clone,
      env,
    });
    run(enter[0] ?? '', [...enter.slice(1), 'docker-compose', 'down', '-v'], { cwd: clone, env });
    if (failed === 0 || values.section === 'swarm')
      say(`        ${await timed('compose/swarm.yml', () => runSwarm({ folder: clone, enter, env }))}`);
  } finally {
    engine('stop');
  }
  if (values.section === '') {
    const vitest = ['run', '--config', join(PROJECT_ROOT, 'test/deploy/vitest.config.ts')];
    process.env['PATH'] = env.PATH; // with a kube-apiserver, where build-api-server.sh has made one
    failed += await runVisibly(process.execPath, [toolScript('vitest'), ...vitest]);
  }
  say(failed === 0 ? 'every block does what it says' : `${failed} expectations are not met`);
  return failed === 0 ? 0 : 1;
});
