import { open } from 'node:fs/promises';
import { Flow } from './flow.ts';
import { RdbStream, RedisRefusal } from './rdb-stream.ts';
import { ReplicaLink } from './replica-link.ts';
import { showServer } from './redis-server-at.ts';
import type { RedisServerAt } from './redis-server-at.ts';

/**
 * While Redis makes a snapshot it sends a line end every `repl-ping-replica-period` (10 s by default), so a link that is
 * silent for longer is dead. A server that is busy with another fork waits for that first.
 */
const SILENCE_MS = 60_000;

/**
 * What one core writes of a snapshot in a second. The process that Redis makes for it waits while we do not read, so it has
 * the share of a core that we read of this. A Redis that would keep what is written meanwhile for us, within
 * `client-output-buffer-limit replica`, is not held back.
 */
const BYTES_PER_CORE_SECOND = 64 * 1024 * 1024;

export interface SnapshotOptions {
  /** Of one core: Redis' own, and ours. 1 = as fast as it comes. */
  readonly cpuShare: number;
  readonly signal: AbortSignal;
  readonly onBytes?: (doneBytes: number, totalBytes: number | undefined) => void;
  /** Default: a minute. */
  readonly silenceMs?: number;
}

/** This Redis does not serve replicas, or not us: its data can only be copied key by key. */
export class PsyncRefused extends Error {}

/** What a Redis says that has no PSYNC, does not allow it, or has renamed it. */
const NO_PSYNC = /^(NOPERM|ERR unknown command|ERR .*(not (allowed|available|supported|permitted)|disabled))/i;

/**
 * Takes a snapshot of a whole Redis, all of its databases, by the replication protocol: no access to its files is needed,
 * and whether it writes them itself makes no difference.
 *
 * @param toPath a new file
 * @returns its bytes
 * @throws {PsyncRefused} where only a copy by key is possible
 * @throws {Error} on anything else: no connection, wrong password, the server restarts in the middle, no room
 */
export async function takeRdbSnapshot(
  server: RedisServerAt,
  toPath: string,
  { cpuShare, signal, onBytes, silenceMs = SILENCE_MS }: SnapshotOptions,
): Promise<number> {
  using link = new ReplicaLink(server, { signal, silenceMs });
  const keepsNothing = await introduce(link, server);
  const flow = keepsNothing && cpuShare < 1 ? new Flow(cpuShare * BYTES_PER_CORE_SECOND) : undefined;
  const file = await open(toPath, 'wx', 0o600);
  const stream = new RdbStream();
  let bytes = 0;
  try {
    for await (const chunk of link.bytes()) {
      for (const part of stream.push(chunk)) {
        for (let at = 0; at < part.length;) at += (await file.write(part, at)).bytesWritten;
        bytes += part.length;
      }
      onBytes?.(bytes, stream.totalBytes);
      if (stream.whole) break;
      await flow?.past(bytes, signal);
    }
    await file.sync();
    return bytes;
  } catch (error) {
    throw refusalAsPsync(error, server);
  } finally {
    await file.close();
  }
}

/** @returns whether Redis keeps nothing for us beyond the snapshot, however long that takes */
async function introduce(link: ReplicaLink, server: RedisServerAt): Promise<boolean> {
  const { username, password } = server.config;
  const name = showServer(server);
  try {
    if (password !== undefined) await link.ask('AUTH', ...(username === undefined ? [] : [username]), password);
    await link.ask('PING').catch(ignoreNoPermission);
  } catch (error) {
    if (error instanceof RedisRefusal)
      throw new Error(`${name} does not let us in: ${error.message}`, { cause: error });
    throw error;
  }
  await grants(link, 'capa', 'eof');
  const keepsNothing = await grants(link, 'rdb-only', '1'); // since 7.0
  link.send('PSYNC', '?', '-1');
  return keepsNothing;
}

/** Each is a wish, and a refusal is no harm. */
async function grants(link: ReplicaLink, ...wish: readonly string[]): Promise<boolean> {
  try {
    await link.ask('REPLCONF', ...wish);
    return true;
  } catch (error) {
    if (error instanceof RedisRefusal) return false;
    throw error;
  }
}

/** A user who may not PING may well be allowed the rest. */
function ignoreNoPermission(error: unknown): void {
  if (!(error instanceof RedisRefusal) || !error.message.startsWith('NOPERM')) throw error;
}

function refusalAsPsync(error: unknown, server: RedisServerAt): unknown {
  if (!(error instanceof RedisRefusal)) return error;
  const message = `${showServer(server)} refuses a snapshot: ${error.message}`;
  return NO_PSYNC.test(error.message) ? new PsyncRefused(message) : new Error(message, { cause: error });
}
