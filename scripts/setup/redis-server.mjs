import { spawnSync } from 'node:child_process';
import { findOnPath } from './find-on-path.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * The tests start their own redis-server. Where there is none it is installed, if we may; otherwise a line says how.
 * @param {(line: string) => void} say
 * @throws {SetupError}
 */
export function ensureRedisServer(say) {
  if (findOnPath('redis-server') !== undefined) return;
  const mayInstall = findOnPath('apt-get') !== undefined && process.getuid?.() === 0;
  if (!mayInstall) {
    throw new SetupError(
      'The tests need redis-server on PATH. Install it: sudo apt-get install redis-server (Debian, Ubuntu) or brew install redis.',
    );
  }
  say('Installing redis-server for the tests (apt-get) ...');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', 'redis-server'],
  ]) {
    const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', process.stderr, process.stderr] });
    if (status !== 0) throw new SetupError(`apt-get ${args.join(' ')} failed; install redis-server by hand.`);
  }
  if (findOnPath('redis-server') === undefined) throw new SetupError('apt-get ran, but redis-server is not on PATH.');
}
