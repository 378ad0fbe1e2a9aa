import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { expect, test } from 'vitest';
import { gzipped } from './gzipped.ts';

async function packed(chunks: readonly Buffer[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of gzipped(Readable.from(chunks) as AsyncIterable<Buffer>)) parts.push(part);
  return Buffer.concat(parts);
}

test.each([
  ['nothing', []],
  ['one piece', [Buffer.from('once')]],
  ['many', [Buffer.alloc(70_000, 'ab'), randomBytes(65_536), Buffer.from('z')]],
])('%s is one file for gunzip, and for what reads backups', async (_, chunks) => {
  const [clear, file] = [Buffer.concat(chunks), await packed(chunks)];
  expect(execFileSync('gunzip', ['-c'], { input: file, maxBuffer: 1 << 24 }).equals(clear)).toBe(true);
  const read: Buffer[] = [];
  const take = new Writable({ write: (chunk: Buffer, _encoding, done) => (read.push(chunk), done()) });
  await pipeline(Readable.from([file.subarray(0, 9), file.subarray(9)]), createGunzip(), take);
  expect(Buffer.concat(read).equals(clear)).toBe(true);
});
