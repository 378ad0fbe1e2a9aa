import { OVERRIDE_SECONDS } from '../../../shared/admin/breakers.ts';
import type { ClientLimitsChange } from '../../../shared/admin/limits.ts';
import { meantClients } from '../../../shared/limits/client-names.ts';
import { MOST_OVERRIDES } from '../../../shared/limits/overrides.ts';
import { ruleLabel } from '../../../shared/limits/rule.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { LimitCall } from '../../limits/limit-call.ts';
import { distinctRules } from '../../limits/limited-routes.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { bucketsLocked, clientNamed, findClient, unknownClient, viewOf } from './limits-client.ts';
import type { FoundClient } from './limits-client.ts';

export interface ChangeParts {
  readonly limits: LimitCall;
  readonly events: Pick<EventLog, 'add'>;
}

export interface ChangeRequest {
  /** What stands for the client in the path. */
  readonly text: string;
  readonly body: ClientLimitsChange;
  /** Who asks. */
  readonly by: string;
}

/** POST /admin/limits/{client} */
export async function changeClient(parts: ChangeParts, { text, body, by }: ChangeRequest): Promise<AdminAnswer> {
  const { limits } = parts;
  const found =
    ('state' in body ? addressMeant(limits, text, body.state) : undefined) ?? (await findClient(limits, text));
  if (found === undefined) return bucketsLocked();
  const client = found.name;
  if (client === undefined) return unknownClient(limits, found);
  const done =
    'tokens' in body ? await setTokens(limits, client, body) : await setOverride(parts, { client, by, ...body });
  if (typeof done !== 'string') return done;
  const named = await clientNamed(limits, client);
  if (named === undefined) return { ...bucketsLocked('It is done. '), audited: { client } };
  const after = { ...named, address: found.address };
  // `node` if what was set is known to this node alone, whatever could be read.
  return { ...json(200, viewOf(limits, done === 'node' ? { ...after, scope: done } : after)), audited: { client } };
}

/**
 * Who bans an address means the address, and not the client that names itself so in a header; and it needs no look at
 * the buckets first.
 */
function addressMeant(
  limits: LimitCall,
  text: string,
  state: 'BANNED' | 'EXEMPT' | 'AUTO',
): Pick<FoundClient, 'name' | 'address'> | undefined {
  const { address, fresh } = meantClients(text, limits.config.limits);
  return state === 'AUTO' || address === undefined ? undefined : { name: fresh, address };
}

type Scope = 'cluster' | 'node';

async function setTokens(
  limits: LimitCall,
  client: string,
  { tokens, rule }: { readonly tokens: number; readonly rule?: string | undefined },
): Promise<Scope | AdminAnswer> {
  const known = await clientNamed(limits, client);
  if (known === undefined) return bucketsLocked();
  const all = distinctRules(known.limits.routes);
  const asked = rule === undefined ? all : all.filter((each) => ruleLabel(each.rule) === rule);
  if (asked.length === 0) {
    const detail = rule === undefined ? 'No route is limited.' : 'No route has a limit of that name.';
    return problem(404, 'unknown_rule', { detail, rules: all.map((each) => ruleLabel(each.rule)) });
  }
  const shared = await limits.shared?.setTokens(client, asked, tokens);
  if (shared === undefined && (await limits.memory.setTokens(client, asked, tokens)) === undefined) {
    return bucketsLocked();
  }
  await limits.forget(client, false);
  return shared === undefined ? 'node' : 'cluster';
}

async function setOverride(
  { limits, events }: ChangeParts,
  change: {
    readonly client: string;
    readonly by: string;
    readonly state: 'BANNED' | 'EXEMPT' | 'AUTO';
    readonly for?: number | undefined;
  },
): Promise<Scope | AdminAnswer> {
  const { client, state, by } = change;
  const seconds = change.for ?? OVERRIDE_SECONDS.default;
  if (state === 'AUTO' && change.for !== undefined) {
    return problem(400, 'bad_request', { detail: 'AUTO takes no `for`: it ends what was set.' });
  }
  const scope = await limits.changeOverride({ client, state, forMs: seconds * 1000, by });
  if (scope === 'full') {
    return problem(409, 'too_many_overrides', { detail: `${MOST_OVERRIDES} clients are banned or exempt already.` });
  }
  const lasts = state === 'AUTO' ? {} : { seconds };
  events.add('override', `client ${client}: ${state}`, { client, state, scope, by, ...lasts });
  return scope;
}
