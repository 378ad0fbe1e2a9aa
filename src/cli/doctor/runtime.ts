import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import type { FrontKind } from '../../shared/config/types.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** The day each line of Node.js gets its last fixes (nodejs/Release, schedule.json), and its lowest minor we run on. */
const NODE_LINES: ReadonlyMap<number, { readonly lowestMinor: number; readonly ends: string }> = new Map([
  [20, { lowestMinor: 19, ends: '2026-04-30' }],
  [22, { lowestMinor: 12, ends: '2027-04-30' }],
  [24, { lowestMinor: 0, ends: '2028-04-30' }],
  [25, { lowestMinor: 0, ends: '2026-06-01' }],
  [26, { lowestMinor: 0, ends: '2029-04-30' }],
]);

/** @param version such as `20.19.4` */
export function judgeNode(version: string, nowMs: number): Finding {
  const check = 'node';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const line = NODE_LINES.get(major);
  if (line === undefined || minor < line.lowestMinor) {
    return fail(
      check,
      `Node.js ${version}`,
      'Use Node.js 24 (or 26, 22.12+, 20.19+): the gateway is not tested on this one.',
    );
  }
  if (nowMs > Date.parse(line.ends)) {
    return warn(check, `Node.js ${version}, without fixes since ${line.ends}`, 'Use Node.js 24.');
  }
  return ok(check, `Node.js ${version}`);
}

/** What serves clients, and whether it can here. @param handles whether Node's own handles are there */
export function judgeFront(front: FrontKind, handles: boolean): Finding {
  const check = 'front';
  if (front === 'uws') return ok(check, 'uws (uWebSockets.js)');
  if (handles) return ok(check, 'native');
  return warn(
    check,
    'native, but this Node has not the handles it needs: each thread listens itself, before Node 23.1 only one serves',
    'Use Node.js 24.',
  );
}

/** The oldest glibc that `npm start` can make the binary of uWebSockets.js load with, and the one it is built for. */
const OLDEST_GLIBC = 2.35;
const BUILT_FOR_GLIBC = 2.38;

/** What the C library has to do with: whether the native module that serves every request loads here. */
export interface Library {
  /** Such as `2.36`; `undefined` where it is not glibc. */
  readonly glibc: string | undefined;
  /** Why uWebSockets.js does not load; `undefined` when it does. */
  readonly loadError: string | undefined;
}

export function judgeLibrary({ glibc, loadError }: Library): Finding {
  const check = 'glibc';
  const name = glibc === undefined ? 'no glibc' : `glibc ${glibc}`;
  if (loadError === undefined) return ok(check, `${name}; uWebSockets.js loads`);
  const found = `${name}; uWebSockets.js does not load: ${loadError}`;
  if (glibc === undefined)
    return fail(check, found, 'Use a Debian-based image such as node:24-trixie-slim: Alpine has musl.');
  const version = Number(glibc);
  if (version < OLDEST_GLIBC)
    return fail(check, found, `Use a system with glibc ${OLDEST_GLIBC} or newer (Debian 12+).`);
  if (version < BUILT_FOR_GLIBC) {
    const why = `it makes the binary, which is built for glibc ${BUILT_FOR_GLIBC}, load on this one`;
    return fail(check, found, `Run "node scripts/setup.mjs --front uws" in the gateway's folder: ${why}.`);
  }
  return fail(check, found, 'Delete node_modules and run "npm ci", with the Node.js that is to run the gateway.');
}

/** Tries it in a process of its own: a binary that does not fit may end the process that loads it. */
export function inspectLibrary(): Library {
  Object.assign(process.report, { excludeNetwork: true }); // else it resolves the names of every connection
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { glibc: report.header.glibcVersionRuntime, loadError: loadError() };
}

function loadError(): string | undefined {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve('uWebSockets.js');
  } catch {
    return 'it is not installed';
  }
  const args = ['-e', 'require(process.argv[1])', path];
  const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return undefined;
  const line = stderr.split('\n').find((each) => /GLIBC|Error:/.test(each));
  return line?.trim() ?? `the process ended with ${signal ?? status}`;
}
