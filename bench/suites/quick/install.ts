import { findApache } from '../../shared/apache.ts';
import { findProgram } from '../../shared/processes.ts';
import { findNginxLua } from '../limits/subjects.ts';

/** Debian's packages that the page is not whole without, and how to see that one is there. */
const PACKAGES: readonly (readonly [packages: string, find: () => string | undefined])[] = [
  ['wrk', () => findProgram('wrk')],
  ['haproxy', () => findProgram('haproxy')],
  ['nginx libnginx-mod-http-lua lua-nginx-redis', findNginxLua],
  ['apache2', findApache],
  ['caddy', () => findProgram('caddy')],
  ['redis-server', () => findProgram('redis-server')],
  ['openssl', () => findProgram('openssl')],
];

/** What to type for the peers and tools that are missing; undefined = nothing is. */
export function whatToInstall(): string | undefined {
  const missing = PACKAGES.filter(([, find]) => find() === undefined).map(([packages]) => packages);
  return missing.length === 0 ? undefined : `apt-get install ${missing.join(' ')}`;
}
