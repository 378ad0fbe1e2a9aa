import { constants, gzipSync } from 'node:zlib';

const OPTIONS = { level: constants.Z_BEST_SPEED };

/**
 * Compresses on the thread that calls it: a stream of zlib works on threads of libuv, which serve the whole process and
 * have the priority of who serves. Each chunk becomes a member of its own, and members one after another are one file
 * (RFC 1952, section 2.2).
 */
export async function* gzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isEmpty = true;
  for await (const chunk of source) {
    isEmpty = false;
    yield gzipSync(chunk, OPTIONS);
  }
  if (isEmpty) yield gzipSync(Buffer.alloc(0), OPTIONS);
}
