import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';

/* What `npm pack` makes: all that runs, nothing else, and no compiler is asked for. */

const ROOT = resolve(import.meta.dirname, '../..');
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
};
/** Programs that an installation and a start may find: no compiler, no npm. */
const PROGRAMS = ['env', 'sh'];

let folder: string;
/** The unpacked package, as npm would install it. */
let installed: string;
let files: readonly string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-package-'));
  // Without scripts: `prepack` builds, and tests run what is built already.
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(packed.status, packed.stderr).toBe(0);
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  expect(spawnSync('tar', ['-xzf', archive], { cwd: folder }).status).toBe(0);
  installed = join(folder, 'package');
  files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  // Stands for what npm brings: the registry is not asked by tests.
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  mkdirSync(join(folder, 'bin'));
  for (const name of PROGRAMS) symlinkSync(`/usr/bin/${name}`, join(folder, 'bin', name));
  symlinkSync(process.execPath, join(folder, 'bin/node'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const environment = (env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: join(folder, 'bin'),
  STATE_DIR: join(folder, 'state'),
  ...env,
});
const gateway = (...args: readonly string[]) =>
  spawnSync(join(installed, 'bin/gateway.mjs'), args, { cwd: folder, env: environment(), encoding: 'utf8' });

describe('what is in it', () => {
  test('all that runs: entries, the demo upstream, every script of Redis', () => {
    const scripts = readdirSync(join(ROOT, 'src'), { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.lua'));
    expect(scripts.length).toBeGreaterThan(5);
    const needed = [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'bin/gateway.mjs',
      ...['cli', 'primary', 'demo', 'workers/gateway', 'workers/health', 'workers/jobs'].map(
        (entry) => `dist/src/${entry}/main.js`,
      ),
      ...scripts.map((path) => `dist/src/${path}`),
      'docs/configuration.md',
    ];
    expect(needed.filter((path) => !files.includes(path))).toEqual([]);
  });

  test('no sources, tests, maps, settings, secrets or load suites', () => {
    expect(
      files.filter((path) =>
        /\.ts$|\.map$|\.test\.|(^|\/)\.|^(src|test|bench|compose|secrets)\/|package-lock/.test(path),
      ),
    ).toEqual([]);
  });

  test('no binary: what is compiled comes from npm, ready made', () => {
    expect(files.filter((path) => /\.(node|so|gyp|c|cc)$/.test(path))).toEqual([]);
  });
});

describe('the command of the package, without a compiler or npm', () => {
  test('says its version, checks a configuration and changes nothing', () => {
    expect(gateway('--version')).toMatchObject({ status: 0, stdout: `${MANIFEST.version}\n`, stderr: '' });
    const checked = gateway('check');
    expect([checked.status, checked.stdout]).toEqual([0, expect.stringContaining('server:')]);
    expect(existsSync(join(installed, '.setup'))).toBe(false);
  });

  test('serves', async () => {
    const port = await freePort();
    const demo = await freePort();
    const ports = { HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: '0', DEMO_UPSTREAM_PORT: String(demo) };
    const child = spawn(join(installed, 'bin/gateway.mjs'), ['start'], {
      cwd: folder,
      env: environment({ ...ports, WORKERS: '1' }),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const gone = once(child, 'exit');
    try {
      const serves = async (): Promise<boolean> =>
        get(port, '/proxy/ok').then(
          ({ status }) => status === 200,
          () => false,
        );
      await eventually(serves, 'it serves', 60_000);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await gone).toEqual([0, null]);
  });
});

test('CHANGELOG.md says what this version brings, and what it asks of who upgrades', () => {
  const newest = /^## (\d+\.\d+\.\d+)/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))?.[1];
  expect(newest).toBe(MANIFEST.version);
  expect(readFileSync(join(ROOT, 'DEPLOYMENT.md'), 'utf8')).toContain(`resilient-api-gateway-${newest}.tgz`);
});

test('the bill of materials has every dependency in its version, and marks those of developers', () => {
  const made = spawnSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  expect(made.status, made.stderr).toBe(0);
  const { bomFormat, components } = JSON.parse(made.stdout) as {
    readonly bomFormat: string;
    readonly components: readonly { readonly name: string; readonly version: string; readonly properties?: object }[];
  };
  expect(bomFormat).toBe('CycloneDX');
  const isOfDevelopers = ({ properties = [] }: { readonly properties?: object }): boolean =>
    JSON.stringify(properties).includes('cdx:npm:package:development');
  const running = components.filter((each) => !isOfDevelopers(each)).map(({ name, version }) => `${name}@${version}`);
  const ours = Object.entries(MANIFEST.dependencies).map(
    ([name, version]) => `${name}@${version.replace(/^npm:.*@/, '')}`,
  );
  expect(ours.filter((each) => !running.includes(each))).toEqual([]);
  expect(components.filter(isOfDevelopers).map(({ name }) => name)).toContain('vitest');
});
