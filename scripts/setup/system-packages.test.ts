import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSystemPackages } from './system-packages.mjs';

/** The only folder on PATH. */
let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-packages-'));
  said = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ensure = (root: boolean): void => ensureSystemPackages((line) => said.push(line), { path: folder, root });

function addProgram(name: string, script = ''): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** An apt-get that keeps its arguments and "installs" programs; `prometheus` brings two. */
function addAptGet({ installs, fails }: { installs: readonly string[]; fails?: 'update' | 'install' }): void {
  const copies = installs.map((name) => `/bin/cp "${folder}/apt-get" "${folder}/${name}"`).join('\n');
  addProgram(
    'apt-get',
    `echo "$DEBIAN_FRONTEND: $*" >>"${folder}/log"
[ "$2" = "${fails ?? 'never'}" ] && exit 100
[ "$2" = install ] || exit 0
${copies}`,
  );
}

const log = (): string[] => readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');

/** What is good to have. */
const HELPFUL_PACKAGES = 'shellcheck prometheus-alertmanager docker-compose';
const HELPFUL = ['shellcheck', 'amtool', 'docker-compose'];

test('does and says nothing where all is there, whatever the browser is called', () => {
  for (const name of [
    'redis-server',
    'google-chrome',
    'prometheus',
    'promtool',
    'haproxy',
    'nginx',
    'mosquitto',
    'swift-proxy-server',
    ...HELPFUL,
  ])
    addProgram(name);
  ensure(true);
  expect(said).toEqual([]);
});

test('installs all that is missing by one update and one install', () => {
  addProgram('redis-server');
  addProgram('haproxy');
  addProgram('nginx');
  addProgram('mosquitto');
  addProgram('swift-proxy-server');
  addProgram('prometheus'); // but no promtool
  addProgram('shellcheck');
  addProgram('amtool');
  addAptGet({ installs: ['chromium', 'promtool'] });
  ensure(true);
  expect(said).toEqual(['Installing chromium, prometheus, docker-compose for the tests (apt-get) ...']);
  expect(log()).toEqual([
    'noninteractive: -qq update',
    'noninteractive: -qq install -y --no-install-recommends chromium prometheus docker-compose',
  ]);
});

test.each([
  ['without root', { root: false, apt: true }],
  ['without apt-get', { root: true, apt: false }],
])('%s: one line says what to install, and nothing is started', (_, { root, apt }) => {
  if (apt) addAptGet({ installs: [] });
  for (const name of [
    'chromium',
    'haproxy',
    'nginx',
    'mosquitto',
    'swift-proxy-server',
    'shellcheck',
    'docker-compose',
  ])
    addProgram(name);
  expect(() => ensure(root)).toThrow(
    /^The tests need redis-server, prometheus on PATH\. Install: sudo apt-get install redis-server prometheus \(Debian\)[^\n]*$/,
  );
  expect(() => log()).toThrow('ENOENT');
  const unchecked = 'Some files of a deployment are not checked: prometheus-alertmanager is not on PATH.';
  expect(said).toEqual([unchecked]);
});

test.each(['update', 'install'] as const)('a failing %s is told, with the way out', (fails) => {
  addAptGet({ installs: [], fails });
  expect(() => ensure(true)).toThrow(
    new RegExp(
      `^apt-get -qq ${fails}.* failed; install redis-server chromium prometheus haproxy nginx mosquitto swift-proxy ${HELPFUL_PACKAGES} by hand\\.$`,
    ),
  );
});

test('a package that brings no program is told', () => {
  addAptGet({
    installs: ['redis-server', 'chromium', 'prometheus', 'haproxy', 'nginx', 'mosquitto', 'swift-proxy-server'],
  });
  expect(() => ensure(true)).toThrow('apt-get ran, but these are still not on PATH: prometheus.');
});
