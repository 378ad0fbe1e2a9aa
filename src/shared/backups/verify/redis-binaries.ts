import { runProgram } from '../run-program.ts';

const CHECKER = 'redis-check-rdb';
const SERVER = 'redis-server';

/** What a snapshot can be proved with on this machine. */
export type RedisBinaries =
  | { readonly found: true; /** Of the older of the two. */ readonly version: string }
  | { readonly found: false; readonly reason: string };

const VERSION = /\b(?:v=|redis-check-rdb )(\d+\.\d+\.\d+)/;

/** Looks for both programs in PATH. */
export async function findRedisBinaries(signal: AbortSignal): Promise<RedisBinaries> {
  const versions: string[] = [];
  for (const program of [SERVER, CHECKER]) {
    const end = await runProgram([program, '--version'], { signal });
    if (end === undefined) return { found: false, reason: `there is no ${program} on this node` };
    const version = VERSION.exec(end.stdout)?.[1];
    if (version === undefined) return { found: false, reason: `${program} does not say which version it is` };
    versions.push(version);
  }
  const [server = '', checker = ''] = versions;
  return { found: true, version: isAtLeast(server, checker) ? checker : server };
}

/** The format of snapshots changes with a minor version and never with a patch. */
const minorOf = (version: string): readonly [number, number] => {
  const [major, minor] = version.split('.').map(Number);
  return [major ?? 0, minor ?? 0];
};

/** Whether one can read what the other has written. */
export function isAtLeast(version: string, other: string): boolean {
  const [[major, minor], [otherMajor, otherMinor]] = [minorOf(version), minorOf(other)];
  return major > otherMajor || (major === otherMajor && minor >= otherMinor);
}

/** @returns why a snapshot of this version cannot be proved here; `undefined` = it can */
export function whyUnfit(binaries: RedisBinaries, sourceVersion: string | null): string | undefined {
  if (!binaries.found) return binaries.reason;
  if (sourceVersion === null) return 'Redis does not tell its version';
  return isAtLeast(binaries.version, sourceVersion)
    ? undefined
    : `Redis is ${sourceVersion}, and redis-server on this node is ${binaries.version}`;
}
