import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const CHECK = 'clock';
const ADVICE =
  'Run systemd-timesyncd or chrony (in a container: on its host): log lines, certificates and backups go by it.';

/** `undefined`: nothing here can tell. */
export function judgeClock(synchronised: { readonly by: string; readonly yes: boolean } | undefined): Finding {
  if (synchronised === undefined) {
    return warn(
      CHECK,
      'nothing here can tell whether it is synchronised',
      'Ask the host: timedatectl, or chronyc tracking.',
    );
  }
  const { by, yes } = synchronised;
  return yes ? ok(CHECK, `synchronised, says ${by}`) : warn(CHECK, `not synchronised, says ${by}`, ADVICE);
}

export function inspectClock(): { readonly by: string; readonly yes: boolean } | undefined {
  const timedate = run('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (timedate === 'yes' || timedate === 'no') return { by: 'timedatectl', yes: timedate === 'yes' };
  // CSV whose last field is the leap status: Normal, Insert second, Delete second, Not synchronised.
  const chrony = run('chronyc', ['-c', 'tracking']);
  if (chrony !== undefined && chrony.includes(',')) return { by: 'chronyc', yes: !chrony.endsWith('Not synchronised') };
  // systemd-timesyncd(8) leaves this file once it has been in step.
  return existsSync('/run/systemd/timesync/synchronized') ? { by: 'systemd-timesyncd', yes: true } : undefined;
}

function run(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 2_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : undefined;
}
