import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants as os, setPriority } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { JobTasks } from '../../shared/backups/tasks.ts';
import { decryptWith, encryptFor } from './age.ts';
import { gzipped } from './gzipped.ts';
import { paced } from './pace.ts';
import { findMissing } from './find.ts';

/*
 * Entry of the threads for work that is long: Piscina calls these functions by their names. They share nothing with the
 * request threads.
 */

/* Of this thread alone, where the system knows such a thing (Linux): who serves comes first. */
if (process.platform === 'linux') setPriority(0, os.priority.PRIORITY_LOW);

/** A slice of work: some milliseconds of compression. */
const SLICE_BYTES = 64 * 1024;

interface Call<Name extends keyof JobTasks> {
  readonly cpuShare: number;
  readonly input: JobTasks[Name]['input'];
}

/** Counts and hashes what passes. */
function tally() {
  const hash = createHash('sha256');
  const counted = { bytes: 0 };
  async function* pass(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      counted.bytes += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  }
  return { pass, bytes: () => counted.bytes, sha256: () => hash.digest('hex') };
}

const slicesOf = (path: string, share: number): AsyncGenerator<Buffer> =>
  paced(createReadStream(path, { highWaterMark: SLICE_BYTES }) as AsyncIterable<Buffer>, share);

const newFile = (path: string) => createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });

export async function pack({ input, cpuShare }: Call<'pack'>): Promise<JobTasks['pack']['output']> {
  const { from, to, recipients } = input;
  const [clear, stored] = [tally(), tally()];
  const source = clear.pass(slicesOf(from, cpuShare));
  if (recipients.length === 0) await pipeline(source, gzipped, stored.pass, newFile(to));
  else await pipeline(source, gzipped, encryptFor(recipients), stored.pass, newFile(to));
  return { bytes: stored.bytes(), sha256: stored.sha256(), clearBytes: clear.bytes(), clearSha256: clear.sha256() };
}

export async function unpack({ input, cpuShare }: Call<'unpack'>): Promise<JobTasks['unpack']['output']> {
  const { from, to, identities } = input;
  const clear = tally();
  const source = slicesOf(from, cpuShare);
  if (identities === undefined) await pipeline(source, createGunzip(), clear.pass, newFile(to));
  else await pipeline(source, decryptWith(identities), createGunzip(), clear.pass, newFile(to));
  return { bytes: clear.bytes(), sha256: clear.sha256() };
}

export async function find({ input, cpuShare }: Call<'find'>): Promise<JobTasks['find']['output']> {
  await using file = await open(input.path);
  return await findMissing(file, input.sought, cpuShare);
}

export async function newIdentity(): Promise<JobTasks['newIdentity']['output']> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}
