import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isMadeToken } from '../../../shared/admin/token-file.ts';

export type KeptToken =
  | {
      readonly ok: true;
      readonly token: string;
      /** It was made now. */
      readonly fresh: boolean;
      /** Why the file that was there is not used. */
      readonly replaced?: string;
    }
  /** Why the file is of no use here, for people. */
  | { readonly ok: false; readonly reason: string };

type Read =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'absent' }
  /** There, but not to be relied on: somebody else may know it, or it is none. */
  | { readonly kind: 'unusable'; readonly reason: string };

const TOKEN_BYTES = 32;
/** Readable or writable by everybody. A group may be meant: orchestrators give volumes one. */
const FOR_EVERYBODY = 0o006;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/**
 * The token of an earlier start, or a new one that only this user can read. Synchronous: it runs once, before anybody is
 * served. Two processes that do it at once get the same token.
 * @param path its folder is made where it is missing
 */
export function keepToken(path: string): KeptToken {
  try {
    const found = readToken(path);
    if (found.kind === 'token') return { ok: true, token: found.token, fresh: false };
    if (found.kind === 'unusable') {
      unlinkSync(path);
      return { ...writeToken(path), replaced: found.reason };
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return writeToken(path);
  } catch (error) {
    return { ok: false, reason: `${path} cannot be used (${codeOf(error)})` };
  }
}

/** @throws Node's error when it is there and cannot be read */
function readToken(path: string): Read {
  let file: number;
  try {
    // A link could lead to a file that others can read, or whose content they know; a pipe would hold us up.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { kind: 'absent' };
    if (codeOf(error) === 'ELOOP') return { kind: 'unusable', reason: 'it is a link' };
    throw error;
  }
  try {
    const { mode, uid } = fstatSync(file);
    const owners = [process.geteuid?.(), 0];
    if (!owners.includes(uid)) return { kind: 'unusable', reason: 'it belongs to somebody else' };
    if ((mode & FOR_EVERYBODY) !== 0) return { kind: 'unusable', reason: 'everybody may read it' };
    const text = readFileSync(file, 'utf8').trim();
    return isMadeToken(text) ? { kind: 'token', token: text } : { kind: 'unusable', reason: 'it holds no token' };
  } finally {
    closeSync(file);
  }
}

/** Under a name of its own first, so that nobody ever reads half of it; the link fails where another was faster. */
function writeToken(path: string): Extract<KeptToken, { ok: true }> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${token}\n`, { flag: 'wx', mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
    return { ok: true, token, fresh: true };
  } catch (error) {
    const other = codeOf(error) === 'EEXIST' ? readToken(path) : undefined;
    if (other?.kind === 'token') return { ok: true, token: other.token, fresh: false };
    throw error;
  } finally {
    unlinkSync(draft);
  }
}
