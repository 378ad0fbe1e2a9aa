import type { IssuerKeySource } from '../config/identity/types.ts';
import { tryReadFile } from '../config/text-file.ts';
import type { ReadFile } from '../config/text-file.ts';
import { readJwks, readPublicKeys } from './public-key.ts';
import type { KeyText } from './public-key.ts';

export type KeyFile = Exclude<IssuerKeySource, { kind: 'jwks_url' }>;

/** The keys of an issuer that are in a file. */
export function readKeyFile({ kind, file }: KeyFile, readFile: ReadFile): KeyText {
  const read = tryReadFile(readFile, file);
  if (!read.ok) return read;
  return kind === 'jwks_file' ? readJwks(read.text) : readPublicKeys(read.text);
}
