import type { ClientLimitsAnswer } from '../../../shared/admin/limits.ts';
import { Allowlist } from '../../../shared/limits/allowlist.ts';
import { meantClients } from '../../../shared/limits/client-names.ts';
import type { Buckets } from '../../limits/buckets.ts';
import { clientView } from '../../limits/client-view.ts';
import type { LimitCall } from '../../limits/limit-call.ts';
import { chosen } from '../../limits/consumer-profile.ts';
import type { ClientLimits, KnownLimits } from '../../limits/consumer-profile.ts';
import { distinctRules } from '../../limits/limited-routes.ts';
import { problem } from '../contract/answer.ts';
import type { AdminAnswer, WholeAnswer } from '../contract/answer.ts';

const NAMED_CLIENTS = 20;

/** What a text in a path came to. */
export interface FoundClient {
  /** Something is known of it: a bucket, an override, refusals, or a place on the allow-list. */
  readonly known: boolean;
  /** The name of its buckets; for one nothing is known of the name it would have, or undefined where it can have none. */
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly scope: 'cluster' | 'node';
  readonly limits: KnownLimits;
}

/** Looks for the client that a text means. @returns `undefined`: buckets are locked */
export async function findClient(limits: LimitCall, text: string): Promise<FoundClient | undefined> {
  const { names, fresh, address } = meantClients(text, limits.config.limits);
  const candidates = fresh === undefined || names.includes(fresh) ? names : [...names, fresh];
  const found = await limitsOfAll(limits, candidates);
  if (found === undefined) return undefined;
  const { scope, known } = found;
  const refused = new Set(limits.refusedHere());
  const allowlist = new Allowlist(limits.config.limits.allowlist);
  const at = candidates.findIndex(
    (name, i) =>
      known[i]?.levels.some(({ exists }) => exists) === true ||
      limits.overrides.get(name) !== undefined ||
      refused.has(name) ||
      (name === fresh && isAllowed(allowlist, name, address)),
  );
  const index = at === -1 ? candidates.indexOf(fresh ?? '') : at;
  return { known: at !== -1, name: candidates[index], address, scope, limits: known[index] ?? NOTHING };
}

/** The client of exactly this name as it is now. @returns `undefined`: its buckets are locked */
export async function clientNamed(limits: LimitCall, name: string): Promise<FoundClient | undefined> {
  const found = await limitsOfAll(limits, [name]);
  if (found === undefined) return undefined;
  return { known: true, name, address: undefined, scope: found.scope, limits: found.known[0] ?? NOTHING };
}

const NOTHING: KnownLimits = { profile: undefined, profileRules: [], routes: [], levels: [] };

/** What is answered where a thread that has ended holds the lock of a bucket. */
export const bucketsLocked = (before = ''): WholeAnswer =>
  problem(503, 'buckets_locked', {
    detail: `${before}The buckets are locked by a thread that has ended; try again.`,
  });

/** What `GET` shows of a client. */
export function viewOf(limits: LimitCall, found: FoundClient): ClientLimitsAnswer {
  const { scope, address } = found;
  const { profile, routes, levels } = found.limits;
  const { config } = limits;
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
    profile,
    storeAway: limits.shared !== undefined && scope === 'node',
  });
}

export interface ResetOutcome {
  readonly client: string;
  readonly scope: 'cluster' | 'node';
  readonly deletedBuckets: number;
}

/** Deletes the buckets of a client, and what any thread remembers of them. */
export async function resetClient(limits: LimitCall, { name = '' }: FoundClient): Promise<ResetOutcome> {
  const rules = limits.rulesOf(name);
  const shared = await limits.shared?.remove(name, rules);
  const deletedBuckets = shared ?? (await limits.memory.remove(name, rules));
  await limits.forget(name, true);
  return { client: name, scope: shared === undefined ? 'node' : 'cluster', deletedBuckets };
}

/** 404, with clients that exist: those that are refused here, then some that have buckets. */
export async function unknownClient(limits: LimitCall, { name }: Pick<FoundClient, 'name'>): Promise<AdminAnswer> {
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

interface AllLimits {
  readonly scope: 'cluster' | 'node';
  /** Of each name. */
  readonly known: readonly KnownLimits[];
}

/** What holds for each name, all from where it can be had. @returns `undefined`: some buckets are locked */
async function limitsOfAll(limits: LimitCall, names: readonly string[]): Promise<AllLimits | undefined> {
  const asked = names.map((name) => ({ name, possible: limits.limitsOf(name) }));
  const { shared, memory } = limits;
  const ofCluster = shared === undefined ? undefined : await readAll(shared, asked);
  if (ofCluster !== undefined) return { scope: 'cluster', known: ofCluster };
  const ofNode = await readAll(memory, asked);
  return ofNode === undefined ? undefined : { scope: 'node', known: ofNode };
}

async function readAll(
  buckets: Buckets,
  asked: readonly { readonly name: string; readonly possible: readonly ClientLimits[] }[],
): Promise<readonly KnownLimits[] | undefined> {
  const read = async (name: string, possible: ClientLimits): Promise<KnownLimits | undefined> => {
    const levels = await buckets.levels(name, distinctRules(possible.routes));
    return levels === undefined ? undefined : { ...possible, levels };
  };
  const known = await Promise.all(
    asked.map(async ({ name, possible }) => {
      const all = await Promise.all(possible.map((each) => read(name, each)));
      const had = all.filter((each) => each !== undefined);
      return had.length === all.length ? chosen(had) : undefined;
    }),
  );
  const found = known.filter((each) => each !== undefined);
  return found.length === known.length ? found : undefined;
}

/** Where only the name of an IPv6 network is known, its first address stands for all. */
const isAllowed = (allowlist: Allowlist, name: string, address: string | undefined): boolean =>
  allowlist.has(address ?? name.split('/', 1)[0] ?? '', name);
