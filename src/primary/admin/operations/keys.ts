import { wallClockMs } from '../../../shared/clock.ts';
import { KEEP_SECONDS, keyChange, keysAnswer, keyWish, LISTED_KEYS } from '../../../shared/admin/keys.ts';
import { madeKeyAnswer, revokedKeyAnswer } from '../../../shared/admin/keys.ts';
import type { ApiKeyView, KeyChange, KeyWish } from '../../../shared/admin/keys.ts';
import { apiKeyHash, makeApiKey } from '../../../shared/identity/api-key.ts';
import type { KeyRecord, StoredKey } from '../../../shared/identity/key-record.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { KeyBook } from '../../identity/keys/key-book.ts';
import { json, problem } from '../contract/answer.ts';
import type { WholeAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

const ID_LENGTH = 16;
const KEY = { key: { in: 'path', description: 'Id of the key, as the list has it.' } } as const;
const NOT_STORED =
  'API keys are only those of the configuration here (API_KEYS=file); API_KEYS=both stores others too.';
const NOWHERE = 'Neither Redis nor the folder STATE_DIR can keep the key, so nothing was changed.';
const UNKNOWN = 'There is no such key; `gateway key list` has those there are.';
const UNKNOWN_PROFILE = 'There is no profile of that name.';
const ENDED = 'The key has expired or is revoked.';

export interface KeyParts {
  /** `undefined`: keys are not stored. */
  readonly book: Pick<KeyBook, 'all' | 'byId' | 'put' | 'state' | 'scope'> | undefined;
  readonly events: Pick<EventLog, 'add'>;
  /** Names of the profiles there are. */
  readonly profiles: () => readonly string[];
}

/** API keys that are stored: made, listed, replaced and revoked. */
export function keyOperations({ book, events, profiles }: KeyParts): readonly AnyOperation[] {
  const notStored = (): WholeAnswer => problem(409, 'keys_not_stored', { detail: NOT_STORED });
  const nowhere = (): WholeAnswer => problem(503, 'keys_unavailable', { detail: NOWHERE });
  const unknown = (): WholeAnswer => problem(404, 'unknown_key', { detail: UNKNOWN });

  const make = async (like: Pick<KeyRecord, 'consumer' | 'profile' | 'groups' | 'expires_ms'>, old?: StoredKey) => {
    if (book === undefined) return notStored();
    const key = makeApiKey();
    const hash = apiKeyHash(key);
    const { consumer, profile, groups } = like;
    const nowMs = wallClockMs();
    const record: KeyRecord = {
      id: hash.slice(0, ID_LENGTH),
      consumer,
      profile,
      groups: [...groups],
      created_ms: nowMs,
      expires_ms: like.expires_ms,
      revoked_ms: 0,
      revision: 1,
    };
    const scope = await book.put(old === undefined ? [{ hash, record }] : [{ hash, record }, old]);
    if (scope === 'nowhere') return nowhere();
    const replaced = old === undefined ? null : viewOf(old.record);
    const text =
      old === undefined ? `key ${record.id} of ${consumer} made` : `key ${old.record.id} of ${consumer} replaced`;
    events.add('keys', text, {
      id: record.id,
      consumer,
      scope,
      ...(replaced === null ? {} : { replaced: replaced.id }),
    });
    return { ...json(201, { scope, key, made: viewOf(record), replaced }), audited: { id: record.id, consumer } };
  };

  return [
    operation({
      method: 'GET',
      path: '/admin/keys',
      id: 'listKeys',
      summary: 'API keys that are stored, without what is secret of them.',
      parameters: {
        consumer: { in: 'query', description: 'Only those of this consumer.' },
        all: { in: 'query', description: '1: also those that are expired or revoked.' },
      },
      answer: keysAnswer,
      problems: { 409: NOT_STORED },
      handle: async ({ query }) => {
        if (book === undefined) return notStored();
        const consumer = query.get('consumer');
        const keys: ApiKeyView[] = [];
        let total = 0;
        for await (const some of book.all()) {
          for (const { record } of some) {
            const view = viewOf(record);
            const isShown = query.get('all') === '1' || view.state === 'active' || view.state === 'replaced';
            if (!isShown || (consumer !== null && consumer !== view.consumer)) continue;
            total++;
            if (keys.length < LISTED_KEYS) keys.push(view);
          }
        }
        return json(200, { scope: book.scope, state: book.state, total, keys });
      },
    }),
    operation<KeyWish>({
      method: 'POST',
      path: '/admin/keys',
      id: 'createKey',
      summary: 'Makes an API key of a consumer. The answer is the only one that ever holds the key.',
      body: keyWish,
      answer: madeKeyAnswer,
      status: 201,
      problems: { 404: UNKNOWN_PROFILE, 409: NOT_STORED, 503: NOWHERE },
      handle: async ({ body: { consumer, profile = '', groups = [], expiresAt } }) => {
        if (profile !== '' && !profiles().includes(profile)) {
          return problem(404, 'unknown_profile', { detail: UNKNOWN_PROFILE, profiles: profiles() });
        }
        const expires = expiresAt === undefined ? 0 : Date.parse(expiresAt);
        return make({ consumer, profile, groups, expires_ms: expires });
      },
    }),
    operation<KeyChange>({
      method: 'POST',
      path: '/admin/keys/{key}',
      id: 'replaceKey',
      summary: 'Makes a key like this one, which goes on for a time.',
      parameters: KEY,
      body: keyChange,
      answer: madeKeyAnswer,
      status: 201,
      problems: { 404: UNKNOWN, 409: `${NOT_STORED} Or: ${ENDED}`, 503: NOWHERE },
      handle: async ({ params: { key = '' }, body: { keep = KEEP_SECONDS.default } }) => {
        if (book === undefined) return notStored();
        const found = await book.byId(key);
        if (found === undefined) return unknown();
        const { state } = viewOf(found.record);
        if (state === 'revoked' || state === 'expired') return problem(409, 'key_ended', { detail: ENDED });
        return make(found.record, ended(found, wallClockMs() + keep * 1_000));
      },
    }),
    operation({
      method: 'DELETE',
      path: '/admin/keys/{key}',
      id: 'revokeKey',
      summary: 'Revokes an API key on all nodes, for good.',
      parameters: KEY,
      answer: revokedKeyAnswer,
      problems: { 404: UNKNOWN, 409: NOT_STORED, 503: NOWHERE },
      handle: async ({ params: { key = '' } }) => {
        if (book === undefined) return notStored();
        const found = await book.byId(key);
        if (found === undefined) return unknown();
        const isRevoked = viewOf(found.record).state === 'revoked';
        const revoked = isRevoked ? found : ended(found, wallClockMs());
        const scope = await book.put([revoked]);
        if (scope === 'nowhere') return nowhere();
        const { id, consumer } = revoked.record;
        events.add('keys', `key ${id} of ${consumer} revoked`, { id, consumer, scope });
        return json(200, { scope, revoked: viewOf(revoked.record) });
      },
    }),
  ];
}

/** The same key with its end, and a revision that outranks the one before. */
const ended = ({ hash, record }: StoredKey, atMs: number): StoredKey => ({
  hash,
  record: { ...record, revoked_ms: Math.max(1, Math.round(atMs)), revision: record.revision + 1 },
});

const timeOrNull = (ms: number): string | null => (ms > 0 ? new Date(ms).toISOString() : null);

function viewOf(record: KeyRecord): ApiKeyView {
  const { id, consumer, profile, groups, created_ms: created, expires_ms: expires, revoked_ms: revoked } = record;
  return {
    id,
    consumer,
    profile,
    groups,
    state: stateOf(expires, revoked),
    createdAt: new Date(created).toISOString(),
    expiresAt: timeOrNull(expires),
    revokedAt: timeOrNull(revoked),
  };
}

function stateOf(expiresMs: number, revokedMs: number): ApiKeyView['state'] {
  const nowMs = wallClockMs();
  if (revokedMs > 0 && revokedMs <= nowMs) return 'revoked';
  if (expiresMs > 0 && expiresMs <= nowMs) return 'expired';
  return revokedMs > 0 ? 'replaced' : 'active';
}
