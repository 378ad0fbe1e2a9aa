import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readJwks } from '../../../shared/identity/public-key.ts';
import type { PublicKey } from '../../../shared/identity/public-key.ts';
import type { Log } from '../../../shared/log.ts';

/** Keys of an issuer as they were fetched. */
export interface FetchedKeys {
  /** At least one. */
  readonly keys: readonly PublicKey[];
  /** Time of day. */
  readonly fetchedAtMs: number;
}

/** Ours have some thousand; a set of 100 large keys has less. */
const MOST_BYTES = 524_288;
/** Who may write the file may sign tokens. */
const WRITTEN_BY_OTHERS = 0o022;

/**
 * The keys of each issuer that were fetched last, in STATE_DIR: a gateway that starts while the issuer is down goes on with
 * them. A file for each URL, written whole under another name first; processes that share the folder write the same.
 */
export class KeptKeys {
  readonly #folder: string | undefined;
  readonly #log: Pick<Log, 'warn'>;
  #failed = false;
  #writing: Promise<void> = Promise.resolve();

  /** @param folder `undefined`: nothing is kept */
  constructor(folder: string | undefined, log: Pick<Log, 'warn'>) {
    this.#folder = folder;
    this.#log = log;
  }

  /** @returns `undefined`: there are none, or they cannot be relied on */
  read(url: string): FetchedKeys | undefined {
    if (this.#folder === undefined) return undefined;
    const path = join(this.#folder, fileOf(url));
    const read = readKept(path, url);
    if (typeof read === 'object') return read;
    if (read !== '') this.#log.warn({ path }, `kept keys of an issuer are not used: ${read}`);
    return undefined;
  }

  /** In the background, one after another. What cannot be written is said once. */
  keep(url: string, fetched: FetchedKeys): void {
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#writing = this.#writing
      .then(() => write(folder, { url, fetched }))
      .then(
        () => void (this.#failed = false),
        (error: unknown) => {
          if (!this.#failed) this.#log.warn({ err: error, folder }, 'keys of issuers are not kept over a restart');
          this.#failed = true;
        },
      );
  }

  /** What was to be kept is on the disk, or has failed. */
  async close(): Promise<void> {
    await this.#writing;
  }
}

const fileOf = (url: string): string =>
  `issuer-keys-${createHash('sha256').update(url).digest('hex').slice(0, 16)}.json`;

/** Members of a JWK set; what a key may be used for follows from them again. */
const jwkOf = ({ kid, algorithms, jwk }: PublicKey): object => ({
  ...jwk,
  ...(kid === undefined ? {} : { kid }),
  ...(algorithms.length === 1 ? { alg: algorithms[0] } : {}),
});

/** @returns why they are not used, for people; '' = there are none */
function readKept(path: string, url: string): FetchedKeys | string {
  let text: string;
  try {
    // A link could lead to keys of somebody else, and a pipe would hold us up.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { mode, uid, size } = fstatSync(file);
      if (![process.geteuid?.(), 0].includes(uid)) return 'the file belongs to somebody else';
      if ((mode & WRITTEN_BY_OTHERS) !== 0) return 'others may write the file';
      if (size > MOST_BYTES) return 'the file is too large';
      text = readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? '' : code;
  }
  return keptIn(text, url);
}

function keptIn(text: string, url: string): FetchedKeys | string {
  let kept: { readonly url?: unknown; readonly fetchedAtMs?: unknown } | null;
  try {
    kept = JSON.parse(text) as typeof kept;
  } catch {
    return 'it is not JSON';
  }
  const fetchedAtMs = kept?.fetchedAtMs;
  if (kept?.url !== url || typeof fetchedAtMs !== 'number' || !Number.isFinite(fetchedAtMs))
    return 'it is something else';
  const read = readJwks(text);
  return read.ok ? { keys: read.keys, fetchedAtMs } : read.why;
}

async function write(
  folder: string,
  { url, fetched }: { readonly url: string; readonly fetched: FetchedKeys },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, fileOf(url));
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      const { keys, fetchedAtMs } = fetched;
      await file.writeFile(`${JSON.stringify({ url, fetchedAtMs, keys: keys.map(jwkOf) })}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}
