import { statSync } from 'node:fs';
import { openFilesLimit } from '../../net/open-files.ts';
import { chanceOfProcess } from './node-name.ts';
import { thisUser } from './state-dir.ts';
import type { User } from './state-dir.ts';

/** What the configuration takes from where it is read, beside variables and files. */
export interface Machine {
  /** In [0, 1), for the node's default name. */
  readonly chance: number;
  readonly openFilesLimit: number;
  /** Of this process and its parent: for one of them LISTEN_FDS must be meant. The supervisor passes its sockets on. */
  readonly pids: readonly number[];
  /** Whom the process runs as. */
  readonly user: User;
  /** Permissions of a file; `undefined` where they cannot be seen. */
  readonly modeOf: (path: string) => number | undefined;
}

function modeOf(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined; // whoever needs the file says what is wrong with it
  }
}

/** The same for the life of the process, but for its limit of open files. */
export const thisMachine = (): Machine => ({
  chance: chanceOfProcess(),
  openFilesLimit: openFilesLimit(),
  pids: [process.pid, process.ppid],
  user: thisUser(),
  modeOf,
});
