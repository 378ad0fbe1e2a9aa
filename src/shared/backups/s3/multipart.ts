import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { wallClockMs } from '../../clock.ts';
import type { LocalFile, TransferOptions } from '../backup-store.ts';
import type { S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { withPatience } from './retries.ts';
import type { Patience } from './retries.ts';
import { elements, textOf } from './xml.ts';

/** A file in parts; S3 takes 10,000 of them at most, and no object above 5 GB in one piece. */
export interface Parts {
  readonly partBytes: number;
  readonly patience: Patience;
}

const LEAST_PART_BYTES = 64 * 1024 * 1024;
const MOST_PARTS = 9_000;
/** Putting the parts together may take the server minutes, in which it need not say anything. */
const COMPLETE_SILENT_MS = 300_000;
const ABORT_WITHIN_MS = 15_000;
/** No backup uploads for so long: whoever began it is gone, and the parts are paid for. */
const STALE_MS = 24 * 3_600_000;

export const partBytesOf = (bytes: number): number => Math.max(LEAST_PART_BYTES, Math.ceil(bytes / MOST_PARTS));

/**
 * Uploads a file in parts, none of which is held in memory. Where it fails, the parts are thrown away.
 * @throws {S3Failure}
 */
export async function putParts(
  client: S3Client,
  name: string,
  { file, options, parts }: { readonly file: LocalFile; readonly options: TransferOptions; readonly parts: Parts },
): Promise<void> {
  const { signal } = options;
  const patience = { ...parts.patience, signal };
  // Begun twice it would leave one behind, which is what removeStale() is for.
  const begun = await withPatience(
    () => client.text({ method: 'POST', name, query: { uploads: '' }, signal }),
    patience,
  );
  const uploadId = textOf(begun, 'UploadId');
  if (uploadId === '') throw new S3Failure(`POST of ${name} at ${client.where} failed: no upload id came`, ODD);
  try {
    const tags = await sendParts(client, { name, uploadId, file, options, parts });
    await complete(client, { name, uploadId, tags, bytes: file.bytes, patience });
  } catch (error) {
    // With a signal of its own: that of the run may be what ended it.
    await abort(client, { name, uploadId, signal: AbortSignal.timeout(ABORT_WITHIN_MS) }).catch(() => undefined);
    throw error;
  }
}

interface Sending {
  readonly name: string;
  readonly uploadId: string;
  readonly file: LocalFile;
  readonly options: TransferOptions;
  readonly parts: Parts;
}

/** @returns what the server calls each part, which it wants to hear again */
async function sendParts(client: S3Client, sending: Sending): Promise<readonly string[]> {
  const { name, uploadId, file, parts, options } = sending;
  const { signal, onBytes } = options;
  const tags: string[] = [];
  for (let start = 0; start < file.bytes; start += parts.partBytes) {
    const bytes = Math.min(parts.partBytes, file.bytes - start);
    const sha256 = await sha256Of(file.path, { start, bytes, signal });
    const query = { partNumber: String(tags.length + 1), uploadId };
    const piece = { path: file.path, start, bytes, sha256, onBytes: (done: number) => onBytes?.(start + done) };
    const incoming = await withPatience(
      async () => {
        const answer = await client.send({ method: 'PUT', name, query, body: piece, signal });
        answer.resume();
        return answer;
      },
      { ...parts.patience, signal },
    );
    const tag = incoming.headers.etag;
    if (tag === undefined) throw new S3Failure(`PUT of ${name} at ${client.where} failed: a part got no ETag`, ODD);
    tags.push(tag);
  }
  return tags;
}

interface Completing {
  readonly name: string;
  readonly uploadId: string;
  readonly tags: readonly string[];
  readonly bytes: number;
  readonly patience: Patience & { readonly signal: AbortSignal };
}

async function complete(client: S3Client, { name, uploadId, tags, bytes, patience }: Completing): Promise<void> {
  const { signal } = patience;
  const rows = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`;
  let mayBeDone = false;
  await withPatience(async () => {
    try {
      const silentMs = COMPLETE_SILENT_MS;
      await client.text({ method: 'POST', name, query: { uploadId }, body, signal, silentMs });
    } catch (error) {
      if (!(error instanceof S3Failure)) throw error;
      // An answer that was lost, and now the upload is gone: it is the object, if one of this size is there.
      if (error.code === 'NoSuchUpload' && mayBeDone && (await sizeOf(client, name, signal)) === bytes) return;
      mayBeDone ||= error.unclear;
      throw error;
    }
  }, patience);
}

/** @returns `undefined` where there is none of this name */
export async function sizeOf(client: S3Client, name: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const incoming = await client.send({ method: 'HEAD', name, signal });
    incoming.resume();
    return Number(incoming.headers['content-length']);
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404) return undefined;
    throw error;
  }
}

async function abort(
  client: S3Client,
  { name, uploadId, signal }: { readonly name: string; readonly uploadId: string; readonly signal: AbortSignal },
): Promise<void> {
  await client.text({ method: 'DELETE', name, query: { uploadId }, signal });
}

/**
 * Throws away the parts of uploads that nobody will finish: those of this name, since its run is ours now, and those under
 * our prefix that were begun a day ago.
 * @throws {S3Failure} where the key may not look for them, too
 */
export async function removeStale(client: S3Client, name: string, signal: AbortSignal): Promise<void> {
  const query = { uploads: '', prefix: client.prefix };
  const text = await client.text({ method: 'GET', query, signal });
  for (const upload of elements(text, 'Upload')) {
    const key = textOf(upload, 'Key');
    const theirs = key.slice(client.prefix.length);
    if (!key.startsWith(client.prefix) || theirs.includes('/')) continue;
    const ageMs = wallClockMs() - Date.parse(textOf(upload, 'Initiated'));
    if (theirs === name || ageMs > STALE_MS)
      await abort(client, { name: theirs, uploadId: textOf(upload, 'UploadId'), signal });
  }
}

async function sha256Of(
  path: string,
  { start, bytes, signal }: { readonly start: number; readonly bytes: number; readonly signal: AbortSignal },
): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { start, end: start + bytes - 1, signal });
  for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const ODD = { status: 0, code: '', passing: false, unclear: true } as const;
