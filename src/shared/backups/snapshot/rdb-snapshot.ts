import { open } from 'node:fs/promises';
import { RdbStream, RedisRefusal } from './rdb-stream.ts';
import { ReplicaLink } from './replica-link.ts';
import { showServer } from './redis-server-at.ts';
import type { RedisServerAt } from './redis-server-at.ts';

/**
 * While Redis makes a snapshot it sends a line end every `repl-ping-replica-period` (10 s by default), so a link that is
 * silent for longer is dead. A server that is busy with another fork waits for that first.
 */
const SILENCE_MS = 60_000;

export interface SnapshotOptions {
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
  { signal, onBytes, silenceMs = SILENCE_MS }: SnapshotOptions,
): Promise<number> {
  using link = new ReplicaLink(server, { signal, silenceMs });
  await introduce(link, server);
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
    }
    await file.sync();
    return bytes;
  } catch (error) {
    throw refusalAsPsync(error, server);
  } finally {
    await file.close();
  }
}

async function introduce(link: ReplicaLink, server: RedisServerAt): Promise<void> {
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
  // `rdb-only` (since 7.0): nothing is kept for us beyond the snapshot. Each is a wish, and a refusal is no harm.
  for (const wish of [
    ['capa', 'eof'],
    ['rdb-only', '1'],
  ]) {
    await link.ask('REPLCONF', ...wish).catch((error: unknown) => {
      if (!(error instanceof RedisRefusal)) throw error;
    });
  }
  link.send('PSYNC', '?', '-1');
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
