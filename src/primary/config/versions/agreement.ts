import { randomBytes } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import { z } from 'zod';
import { monotonicMs } from '../../../shared/clock.ts';
import { parseJson } from '../../../shared/parse-json.ts';
import { KEPT_VERSIONS } from './version-book.ts';
import { pointerOf, signVersion } from './config-version.ts';
import type { ConfigVersion, UnsignedVersion } from './config-version.ts';
import type { VersionHash } from './version-hash.ts';

/** A node that hears no event looks every five seconds. */
const VOTES_WITHIN_MS = 10_000;
const LASTS_MS = 15_000;
const LOOK_EVERY_MS = 50;

/** What a node thinks of a proposal: nothing is wrong with it, or what is. */
const vote = z.object({ problems: z.array(z.string()) });
export const voteText = (problems: readonly string[]): string => JSON.stringify({ problems });

export type Agreement =
  | { readonly kind: 'made'; readonly version: ConfigVersion }
  /** Another version has come, or is under way. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'refused'; readonly node: string; readonly problems: readonly string[] }
  | { readonly kind: 'silent'; readonly nodes: readonly string[] }
  | { readonly kind: 'redis' };

export interface AgreementOptions {
  readonly hash: VersionHash;
  readonly keys: readonly string[];
  /** The others that must agree. */
  readonly nodes: readonly string[];
  /** What `current` in Redis is. */
  readonly on: string;
  /** Is told the proposal's id before anybody else. */
  readonly onId: (id: string) => void;
}

/** Makes a version the one in use, on all nodes or on none: each says first whether it can use it. */
export async function agreeOn(unsigned: UnsignedVersion, options: AgreementOptions): Promise<Agreement> {
  const { hash, keys, on } = options;
  const id = randomBytes(8).toString('hex');
  options.onId(id);
  const text = JSON.stringify(signVersion(unsigned, 'proposal', keys));
  const isUnderWay = await hash.propose(on, { id, text, lastsMs: LASTS_MS });
  if (isUnderWay !== true) return { kind: isUnderWay === undefined ? 'redis' : 'changed' };
  const against = await votesAgainst(options);
  if (against !== undefined) {
    await hash.drop(id);
    return against;
  }
  const version = signVersion(unsigned, 'version', keys);
  const made = {
    number: version.version,
    text: JSON.stringify(version),
    pointer: pointerOf(version),
    kept: KEPT_VERSIONS,
  };
  const isMade = await hash.commit(id, on, made);
  if (isMade === undefined) return { kind: 'redis' };
  return isMade ? { kind: 'made', version } : { kind: 'changed' };
}

/** @returns `undefined`: all agree */
async function votesAgainst({ hash, nodes }: AgreementOptions): Promise<Agreement | undefined> {
  const endMs = monotonicMs() + VOTES_WITHIN_MS;
  for (;;) {
    const votes = (await hash.votes(nodes))?.map((text) => (text === null ? undefined : parseJson(vote, text)));
    for (const [i, { problems } = { problems: [] }] of (votes ?? []).entries()) {
      if (problems.length > 0) return { kind: 'refused', node: nodes[i] ?? '', problems };
    }
    if (votes?.every((each) => each !== undefined) === true) return undefined;
    if (monotonicMs() >= endMs) {
      return votes === undefined
        ? { kind: 'redis' }
        : { kind: 'silent', nodes: nodes.filter((_node, i) => votes[i] === undefined) };
    }
    await rest(LOOK_EVERY_MS, undefined, { ref: false });
  }
}
