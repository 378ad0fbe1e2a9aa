import { readFileSync } from 'node:fs';
import type { IssuerKeySource } from '../../../shared/config/identity/types.ts';
import { tryReadFile } from '../../../shared/config/text-file.ts';
import type { IssuerKeys } from '../../../shared/identity/jwt-messages.ts';
import { readJwks, readPublicKeys } from '../../../shared/identity/public-key.ts';
import type { KeyText, PublicKey } from '../../../shared/identity/public-key.ts';

export type KeyFile = Exclude<IssuerKeySource, { kind: 'jwks_url' }>;

/** The keys of one issuer that are in a file: read at the start and at each reload; a bad file changes nothing. */
export class FileKeys {
  readonly #source: KeyFile;
  #keys: readonly PublicKey[] | undefined;
  #failure = '';

  constructor(source: KeyFile) {
    this.#source = source;
    this.read();
  }

  /** Why the file was not taken; '' = it was. */
  get failure(): string {
    return this.#failure;
  }

  /** For the threads: nothing will come of asking. */
  get state(): Omit<IssuerKeys, 'issuer'> {
    return { keys: this.#keys, current: true, askAgainMs: Number.POSITIVE_INFINITY };
  }

  read(): void {
    const result = readKeyFile(this.#source);
    this.#failure = result.ok ? '' : `${this.#source.file}: ${result.why}`;
    if (result.ok) this.#keys = result.keys;
  }
}

function readKeyFile({ kind, file }: KeyFile): KeyText {
  const read = tryReadFile((path) => readFileSync(path, 'utf8'), file);
  if (!read.ok) return read;
  return kind === 'jwks_file' ? readJwks(read.text) : readPublicKeys(read.text);
}
