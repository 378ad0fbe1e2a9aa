import { readdirSync, statSync } from 'node:fs';
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
  /** `undefined` where nothing can be seen. */
  readonly factsOf: (path: string) => FileFacts | undefined;
  /** Names of what is in a folder; `undefined`: it is none, or cannot be looked into. */
  readonly entriesOf: (path: string) => readonly string[] | undefined;
}

export interface FileFacts {
  /** Permissions, and what it is. */
  readonly mode: number;
  readonly ownerId: number;
  readonly bytes: number;
}

/** `undefined` where it fails: whoever needs the file says what is wrong with it. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function factsOf(path: string): FileFacts {
  const { mode, uid, size } = statSync(path);
  return { mode, ownerId: uid, bytes: size };
}

/** The same for the life of the process, but for its limit of open files. */
export const thisMachine = (): Machine => ({
  chance: chanceOfProcess(),
  openFilesLimit: openFilesLimit(),
  pids: [process.pid, process.ppid],
  user: thisUser(),
  factsOf: (path) => attempt(() => factsOf(path)),
  entriesOf: (path) => attempt(() => readdirSync(path)),
});
