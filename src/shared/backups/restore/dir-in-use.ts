import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { sep } from 'node:path';

/** Programs that keep their data in the folder they were started with, which is their working directory. */
const SERVERS = /^(redis|valkey|keydb|redict)-s/; // the kernel cuts names at 15 characters

/**
 * Whether a Redis works in a folder: then what is put there would be written over when it ends. Looks at the processes of
 * this machine, those in containers included; from inside a container only its own are seen.
 * @returns who, for people; `undefined` = nobody that can be seen
 */
export async function whoUses(dir: string): Promise<string | undefined> {
  const folder = await stat(dir);
  for (const pid of await processes()) {
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
    if (SERVERS.test(name)) {
      // By number, since a process in a container has other names for its folders.
      const works = await stat(`/proc/${pid}/cwd/`).catch((error: unknown) => error);
      if (isDenied(works)) return `${name} (process ${pid}) may use it: only root can see its folder`;
      if (!(works instanceof Error) && isSame(works, folder)) return `${name} (process ${pid}) uses it`;
    }
    const open = await openFileIn(pid, dir);
    if (open !== undefined) return `${name} (process ${pid}) has ${open} open`;
  }
  return undefined;
}

async function processes(): Promise<readonly string[]> {
  const names = await readdir('/proc').catch(() => []); // no Linux: nothing can be seen
  return names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

const isSame = (found: unknown, folder: { readonly dev: number; readonly ino: number }): boolean =>
  typeof found === 'object' &&
  found !== null &&
  'ino' in found &&
  'dev' in found &&
  found.ino === folder.ino &&
  found.dev === folder.dev;

const isDenied = (found: unknown): boolean =>
  found instanceof Error && 'code' in found && (found.code === 'EACCES' || found.code === 'EPERM');

/** An append-only file is open as long as its server lives, whatever that is called. */
async function openFileIn(pid: string, dir: string): Promise<string | undefined> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const path = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (path.startsWith(dir + sep) && /\.(aof|rdb)$/.test(path)) return path;
  }
  return undefined;
}
