import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
import { Allowlist } from '../../shared/limits/allowlist.ts';
import { meantClients } from '../../shared/limits/client-names.ts';
import type { Level } from '../limits/buckets.ts';
import { clientView } from '../limits/client-view.ts';
import type { LimitControl } from '../limits/limit-control.ts';
import { distinctRules } from '../limits/limited-routes.ts';
import { problem } from './answer.ts';
import type { AdminAnswer } from './answer.ts';

const NAMED_CLIENTS = 20;

/** What a text in a path came to. */
export interface FoundClient {
  /** Something is known of it: a bucket, an override, refusals, or a place on the allow-list. */
  readonly known: boolean;
  /** The name of its buckets; for one nothing is known of the name it would have, or undefined where it can have none. */
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly scope: 'cluster' | 'node';
  /** Of each rule of distinctRules(…). */
  readonly levels: readonly Level[];
}

/** Looks for the client that a text means. */
export async function findClient(limits: LimitControl, text: string): Promise<FoundClient> {
  const { names, fresh, address } = meantClients(text, limits.config.limits);
  const candidates = fresh === undefined || names.includes(fresh) ? names : [...names, fresh];
  const { scope, levels } = await levelsOf(limits, candidates);
  const refused = new Set(limits.refusedHere());
  const allowlist = new Allowlist(limits.config.limits.allowlist);
  const at = candidates.findIndex(
    (name, i) =>
      levels[i]?.some(({ exists }) => exists) === true ||
      limits.overrides.get(name) !== undefined ||
      refused.has(name) ||
      (name === fresh && isAllowed(allowlist, name, address)),
  );
  const index = at === -1 ? candidates.indexOf(fresh ?? '') : at;
  return { known: at !== -1, name: candidates[index], address, scope, levels: levels[index] ?? [] };
}

/** The client of exactly this name as it is now. */
export async function clientNamed(limits: LimitControl, name: string): Promise<FoundClient> {
  const { scope, levels } = await levelsOf(limits, [name]);
  return { known: true, name, address: undefined, scope, levels: levels[0] ?? [] };
}

/** What `GET` shows of a client. */
export function viewOf(limits: LimitControl, found: FoundClient): ClientLimitsAnswer {
  const { scope, levels, address } = found;
  const { routes, config } = limits;
  const client = found.name ?? '';
  return clientView({
    client,
    scope,
    allowlisted: isAllowed(new Allowlist(config.limits.allowlist), client, address),
    override: limits.overrides.get(client),
    buckets: distinctRules(routes).flatMap((asked, i) => {
      const level = levels[i];
      return level === undefined ? [] : [{ ...asked, level }];
    }),
    routes,
    storeAway: limits.shared !== undefined && scope === 'node',
  });
}

export interface ResetOutcome {
  readonly client: string;
  readonly scope: 'cluster' | 'node';
  readonly deletedBuckets: number;
}

/** Deletes the buckets of a client, and what any thread remembers of them. */
export async function resetClient(limits: LimitControl, { name = '' }: FoundClient): Promise<ResetOutcome> {
  const rules = distinctRules(limits.routes).map(({ rule }) => rule);
  const shared = await limits.shared?.remove(name, rules);
  const deletedBuckets = shared ?? (await limits.memory.remove(name, rules));
  await limits.forget(name, true);
  return { client: name, scope: shared === undefined ? 'node' : 'cluster', deletedBuckets };
}

/** 404, with clients that exist: those that are refused here, then some that have buckets. */
export async function unknownClient(limits: LimitControl, { name }: FoundClient): Promise<AdminAnswer> {
  const seen = new Set([...limits.refusedHere(), ...limits.overrides.all.map(([client]) => client)]);
  if (seen.size < NAMED_CLIENTS) {
    for (const client of (await limits.shared?.someClients(NAMED_CLIENTS)) ?? []) seen.add(client);
  }
  const clients = [...seen].slice(0, NAMED_CLIENTS);
  if (name === undefined) {
    const detail = 'No request could have a client of that name: clients are named as RATE_LIMIT_KEY says.';
    return problem(404, 'impossible_client', { detail, clients });
  }
  const detail = 'Nothing is known of that client: it has no bucket, so all of its buckets are full.';
  return problem(404, 'unknown_client', { detail, clients });
}

/** The levels of each name's buckets, all from where they can be had. */
async function levelsOf(
  limits: LimitControl,
  names: readonly string[],
): Promise<{ readonly scope: 'cluster' | 'node'; readonly levels: readonly (readonly Level[])[] }> {
  const asked = distinctRules(limits.routes);
  const { shared, memory } = limits;
  if (shared !== undefined) {
    const levels = (await Promise.all(names.map((name) => shared.levels(name, asked)))).filter(
      (each) => each !== undefined,
    );
    if (levels.length === names.length) return { scope: 'cluster', levels };
  }
  return { scope: 'node', levels: await Promise.all(names.map((name) => memory.levels(name, asked))) };
}

/** Where only the name of an IPv6 network is known, its first address stands for all. */
const isAllowed = (allowlist: Allowlist, name: string, address: string | undefined): boolean =>
  allowlist.has(address ?? name.split('/', 1)[0] ?? '', name);
