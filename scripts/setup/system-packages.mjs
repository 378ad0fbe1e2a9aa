import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { findOnPath } from './find-on-path.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * What the tests start beside the gateway. `programs`: each is a list of names, one of which must be on PATH. None needs
 * a running service: the tests start their own on free ports.
 */
const PACKAGES = /** @type {const} */ ([
  { name: 'redis-server', programs: [['redis-server']] },
  { name: 'chromium', programs: [['chromium', 'google-chrome']] },
  { name: 'prometheus', programs: [['prometheus'], ['promtool']] },
  { name: 'haproxy', programs: [['haproxy']] },
  { name: 'nginx', programs: [['nginx']] },
  { name: 'mosquitto', programs: [['mosquitto']] },
  { name: 'swift-proxy', programs: [['swift-proxy-server']] }, // a real S3 server: test/support/s3.ts
]);

/** What looks at the files of a deployment. Without one its checks are left out, and that is said. */
const OPTIONAL = /** @type {const} */ ([
  { name: 'shellcheck', programs: [['shellcheck']] },
  { name: 'prometheus-alertmanager', programs: [['amtool']] },
  { name: 'docker-compose', programs: [['docker-compose']] },
]);

/**
 * @typedef {object} System
 * @property {string} path list of folders to look in, as PATH
 * @property {boolean} root whether packages may be installed
 */

/**
 * Installs what is missing, if we may; otherwise one line says what to install.
 * @param {(line: string) => void} say
 * @param {System} [system] another one only in tests
 * @throws {SetupError}
 */
export function ensureSystemPackages(
  say,
  // Debian keeps haproxy, nginx and mosquitto in /usr/sbin, where only root's PATH looks; the tests look there too.
  { path, root } = { path: `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`, root: process.getuid?.() === 0 },
) {
  const needed = missingOf(PACKAGES, path);
  const helpful = missingOf(OPTIONAL, path);
  const aptGet = findOnPath('apt-get', path);
  if (aptGet === undefined || !root) {
    if (helpful.length > 0) say(`Some files of a deployment are not checked: ${helpful.join(', ')} is not on PATH.`);
    if (needed.length === 0) return;
    const names = needed.join(' ');
    throw new SetupError(
      `The tests need ${needed.join(', ')} on PATH. Install: sudo apt-get install ${names} (Debian), or your system's packages of these names.`,
    );
  }
  const missing = [...needed, ...helpful];
  if (missing.length === 0) return;
  const names = missing.join(' ');
  say(`Installing ${missing.join(', ')} for the tests (apt-get) ...`);
  // Without an init system (in a container) Debian's invoke-rc.d does not start a package's service, which is no error.
  const env = { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', ...missing],
  ]) {
    const { status } = spawnSync(aptGet, args, { env, stdio: ['ignore', process.stderr, process.stderr] });
    if (status !== 0) throw new SetupError(`apt-get ${args.join(' ')} failed; install ${names} by hand.`);
  }
  const still = missingOf(PACKAGES, path);
  if (still.length > 0) throw new SetupError(`apt-get ran, but these are still not on PATH: ${still.join(', ')}.`);
}

/**
 * @param {readonly { readonly name: string, readonly programs: readonly (readonly string[])[] }[]} packages
 * @param {string} path
 * @returns {string[]} names of packages
 */
function missingOf(packages, path) {
  return packages
    .filter(({ programs }) => programs.some((names) => names.every((name) => findOnPath(name, path) === undefined)))
    .map(({ name }) => name);
}
