import { readFileSync } from 'node:fs';
import { readKeyFile } from '../../../shared/identity/issuer-key-file.ts';
import type { KeyFile } from '../../../shared/identity/issuer-key-file.ts';
import type { IssuerKeys } from '../../../shared/identity/jwt-messages.ts';
import type { PublicKey } from '../../../shared/identity/public-key.ts';

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
    const result = readKeyFile(this.#source, (path) => readFileSync(path, 'utf8'));
    this.#failure = result.ok ? '' : `${this.#source.file}: ${result.why}`;
    if (result.ok) this.#keys = result.keys;
  }
}
