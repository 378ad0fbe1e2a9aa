import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { spawnHelper } from '../helper-program.ts';
import { talkOnSocket } from '../snapshot/ask-redis.ts';

/** sockaddr_un has room for so much on every system, with the zero at its end. */
const LONGEST_SOCKET_PATH = 103;
const LOOK_EVERY_MS = 25;
const KEPT_CHARACTERS = 16 * 1024;

/** A redis-server that nobody else can reach, which writes nothing to the disk and goes when we do. */
export interface ScratchRedis extends AsyncDisposable {
  readonly redis: Redis;
  readonly socketPath: string;
}

/**
 * Starts one, empty or with a snapshot.
 * @param dir made for it; what it needs lies in there
 * @param options `rdb`: name of a snapshot in `dir`; `cpuShare`: of one core, that it may take
 * @throws {Error} when it does not come up: then with its own words
 */
export async function startScratchRedis(
  dir: string,
  { rdb, cpuShare, signal }: { readonly rdb?: string; readonly cpuShare: number; readonly signal: AbortSignal },
): Promise<ScratchRedis> {
  signal.throwIfAborted();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const socketPath = join(dir, 's');
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
    throw new Error(`the path of BACKUP_TEMP_DIR is too long for a socket: ${socketPath}`);
  }
  const unreachable = ['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700'];
  const unwritten = ['--save', '', '--appendonly', 'no', '--dir', dir, '--dbfilename', rdb ?? 'none.rdb'];
  const server = ['redis-server', ...unreachable, ...unwritten];
  const child = spawnHelper(server, { cpuShare });
  const said = listen(child);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  };
  const abort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    const talk = await whenReady(child, { socketPath, said, signal });
    return {
      redis: talk.redis,
      socketPath,
      [Symbol.asyncDispose]: async () => {
        signal.removeEventListener('abort', abort);
        await talk[Symbol.asyncDispose]();
        await stop();
      },
    };
  } catch (error) {
    signal.removeEventListener('abort', abort);
    await stop();
    signal.throwIfAborted();
    throw error;
  }
}

function listen(child: ChildProcess): () => string {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-KEPT_CHARACTERS)));
  }
  child.on('error', (error) => (said += error.message));
  return () => said;
}

interface Waiting {
  readonly socketPath: string;
  readonly said: () => string;
  readonly signal: AbortSignal;
}

/** Whole snapshots take their time: it is waited for as long as the server lives. */
async function whenReady(child: ChildProcess, { socketPath, said, signal }: Waiting) {
  while (!said().includes('eady to accept connections')) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      const line = said().trim().split('\n').at(-1) ?? '';
      throw new Error(
        `redis-server does not load the snapshot: ${line.replace(/^\d+:\w .*? [#*-] /, '').slice(0, 200)}`,
      );
    }
    await rest(LOOK_EVERY_MS, undefined, { signal });
  }
  return talkOnSocket(socketPath, signal);
}
