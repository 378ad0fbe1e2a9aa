import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PINNED_BINARIES } from '../../shared/version.ts';

/** The file that uWebSockets.js loads on this system with this Node. */
const NAME = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

/**
 * Whether what `require('uWebSockets.js')` is about to run is what was pinned: one hash of a few megabytes, however the
 * gateway was started.
 * @returns why it is not to be used; '' = it is, or it is not there at all, which its own loader says better
 */
export function uwsBinaryProblem(): string {
  let path: string;
  let bytes: Buffer;
  try {
    path = join(dirname(createRequire(import.meta.url).resolve('uWebSockets.js')), NAME);
    bytes = readFileSync(path);
  } catch {
    return '';
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const pinned = PINNED_BINARIES.get(basename(path)) ?? [];
  return pinned.includes(sha256) ? '' : `${path} is not the file that was pinned (sha256 ${sha256})`;
}
