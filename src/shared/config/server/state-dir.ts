import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Environment } from '../read-env.ts';

/** Whom a process runs as. */
export interface User {
  /** `undefined` where users have no numbers. */
  readonly id: number | undefined;
  /** As the system has it; `undefined`: it knows no such user, as in many containers. */
  readonly home: string | undefined;
}

const NAME = 'resilient-api-gateway';

/**
 * Where a gateway of this user keeps what outlives it, when STATE_DIR does not say: root in /var/lib (FHS 5.8), everybody
 * else in the state folder of the XDG Base Directory Specification, which takes only absolute paths.
 * @returns `undefined`: the user has no home
 */
export function defaultStateDir(env: Environment, { id, home }: User): string | undefined {
  if (id === 0) return join('/var/lib', NAME);
  const own = [env['XDG_STATE_HOME'], under(env['HOME'] ?? home)].find(
    (path) => path !== undefined && isAbsolute(path),
  );
  return own === undefined ? undefined : join(own, NAME);
}

const under = (home: string | undefined): string | undefined =>
  home === undefined || !isAbsolute(home) ? undefined : join(home, '.local/state');

/** The user of this process. */
export function thisUser(): User {
  const id = process.geteuid?.();
  try {
    return { id, home: userInfo().homedir };
  } catch {
    return { id, home: undefined };
  }
}
