import type { KeyRecord } from '../../shared/identity/key-record.ts';
import type { KeyBook } from '../identity/keys/key-book.ts';
import type { KnownConsumer } from './known-consumer.ts';
import { word } from './reason.ts';
import type { Reason } from './reason.ts';

/** Keys that ended earlier are nobody's question any more. */
const RECENT_MS = 30 * 86_400_000;
const MOST_NAMED = 3;

/** What is stored of a consumer's keys. */
export interface StoredKeys {
  readonly keys: readonly KeyRecord[];
  /** Redis has all of them, as far as it says. */
  readonly isWhole: boolean;
  /** Only the key of this ID is asked about. */
  readonly asked: string | undefined;
  /** Time of day. */
  readonly nowMs: number;
}

/** @returns `undefined`: there are too many of others to be looked through in time */
export async function storedKeysOf(
  book: Pick<KeyBook, 'all' | 'state'>,
  consumer: string,
  isLate: () => boolean,
): Promise<Pick<StoredKeys, 'keys' | 'isWhole'> | undefined> {
  const keys: KeyRecord[] = [];
  for await (const some of book.all()) {
    for (const { record } of some) if (record.consumer === consumer) keys.push(record);
    if (isLate()) return undefined;
  }
  return { keys, isWhole: book.state === 'well' };
}

/** When a key holds no more; Infinity = never. */
const endOf = ({ expires_ms: expires, revoked_ms: revoked }: KeyRecord): number =>
  Math.min(expires > 0 ? expires : Number.POSITIVE_INFINITY, revoked > 0 ? revoked : Number.POSITIVE_INFINITY);

/** Whether one of them is good by now. */
export const hasGood = ({ keys, asked, nowMs }: StoredKeys): boolean =>
  keys.some((key) => (asked === undefined || key.id === asked) && endOf(key) > nowMs);

/**
 * What is known of a consumer's stored keys, on a route that takes keys.
 * @param hasOther it can prove who it is in another way
 */
export function byStoredKeys({ name }: KnownConsumer, stored: StoredKeys, hasOther: boolean): readonly Reason[] {
  const { asked, isWhole, keys, nowMs } = stored;
  const ended = keys.filter((key) => endOf(key) <= nowMs);
  const meant = ended.filter(({ id }) => asked === undefined || id === asked);
  const isLast = asked === undefined ? !hasOther && !hasGood(stored) : meant.length > 0;
  const told = meant
    .filter((key) => isLast || nowMs - endOf(key) < RECENT_MS)
    .toSorted((a, b) => endOf(b) - endOf(a))
    .slice(0, MOST_NAMED);
  const todo = `"gateway key create ${word(name)}" makes another; "gateway key list --all --consumer ${word(name)}" shows all.`;
  const code = 'credentials_invalid' as const;
  const reasons: Reason[] = told.map((key) => ({
    code,
    certain: isLast && isWhole && told.length === 1,
    why: `key ${key.id} of ${name} ${endedText(key)}${isLast ? '' : '; another of its credentials is good'}`,
    todo,
    retryAfterSeconds: 0,
  }));
  if (isLast && told.length > 1)
    reasons.unshift({ code, certain: isWhole, why: `no stored key of ${name} is good`, todo, retryAfterSeconds: 0 });
  if (isLast && told.length === 0)
    reasons.push({ code, certain: isWhole, why: `no key of ${name} is stored`, todo, retryAfterSeconds: 0 });
  if (!isWhole) reasons.push(NOT_WHOLE);
  return reasons;
}

function endedText(key: KeyRecord): string {
  const isRevoked = key.revoked_ms > 0 && key.revoked_ms === endOf(key);
  const at = new Date(endOf(key)).toISOString().slice(0, 16).replace('T', ' ');
  return `${isRevoked ? 'was revoked' : 'ended'} at ${at} UTC`;
}

const NOT_WHOLE: Reason = {
  code: 'identity_unavailable',
  certain: false,
  why: 'Redis has lost the API keys or cannot be asked: one that this node does not know is neither good nor wrong',
  todo: '"gateway status" says which; each node puts its copy back.',
  retryAfterSeconds: 5,
};
