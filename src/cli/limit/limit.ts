import { clientLimitsAnswer, limitsResetAnswer, overridesAnswer, topRefusedAnswer } from '../../shared/admin/limits.ts';
import type {
  ClientLimitsAnswer,
  ClientLimitsChange,
  OverridesAnswer,
  TopRefusedAnswer,
} from '../../shared/admin/limits.ts';
import { segment } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { count, duration, figure } from '../output/quantities.ts';
import { facts, table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Cell } from '../output/table.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const pathOf = (client: string): string => `/admin/limits/${segment(client)}`;

const ofOneNode = (scope: 'cluster' | 'node'): string =>
  scope === 'node' ? 'this node alone: it has no Redis, or cannot reach it' : 'the whole cluster';

/** An operator's word on a client, if there is one. */
export const overrideOf = ({ override }: ClientLimitsAnswer): Cell =>
  override === null
    ? 'none'
    : span(
        `${override.state}, ${duration(override.remainingSeconds)} left`,
        override.state === 'BANNED' ? 'bad' : 'warn',
      );

const WHO_SAYS = {
  configuration: '',
  buckets: ', as its buckets say',
  issuer: ', if its token says no other',
} as const;

/** The profile of a consumer, and how that is known. */
export const profileOf = ({ profile }: ClientLimitsAnswer): string =>
  profile === null ? 'none' : `${profile.name}${WHO_SAYS[profile.from]}`;

const BUCKET_COLUMNS = [
  { title: 'RULE' },
  { title: 'TOKENS', right: true },
  { title: 'CAPACITY', right: true },
  { title: 'REFILL', right: true },
  { title: 'FULL IN', right: true },
  { title: '' },
];

export const bucketTable = ({ buckets }: ClientLimitsAnswer): readonly Line[] =>
  table(
    BUCKET_COLUMNS,
    buckets.map((bucket) => [
      bucket.rule,
      figure(bucket.tokens),
      figure(bucket.capacity),
      `${figure(bucket.refillPerSecond)}/s`,
      bucket.fullInSeconds === 0 ? 'now' : duration(bucket.fullInSeconds),
      bucket.exists ? '' : span('no bucket yet, so it is full', 'faint'),
    ]),
  );

export function clientLines(answer: ClientLimitsAnswer): readonly Line[] {
  return [
    ...facts([
      ['client', answer.client],
      ['known to', ofOneNode(answer.scope)],
      ...(answer.profile === null ? [] : [['profile', profileOf(answer)] as const]),
      ['override', overrideOf(answer)],
      ['allow-list', answer.allowlisted ? span('yes: never limited', 'warn') : 'no'],
    ]),
    [],
    ...bucketTable(answer),
  ];
}

export function topLines({ clients, nodes, scope, windowSeconds }: TopRefusedAnswer): readonly Line[] {
  const from = scope === 'cluster' ? `${count(nodes)} node${nodes === 1 ? '' : 's'}` : ofOneNode(scope);
  const about = span(`refused in the last ${duration(windowSeconds)} or so; ${from}`, 'faint');
  if (clients.length === 0) return [[span('nobody was refused')], [about]];
  const rows = clients.map(({ client, refused, overcount }) => [
    client,
    count(refused),
    overcount === 0 ? '' : span(`at most ${count(overcount)} too many`, 'faint'),
  ]);
  return [...table([{ title: 'CLIENT' }, { title: 'REFUSED', right: true }, { title: '' }], rows), [about]];
}

const OVERRIDE_STYLE = { BANNED: 'bad', EXEMPT: 'warn' } as const;

export function overrideLines({ overrides, allowlist }: OverridesAnswer): readonly Line[] {
  const always =
    allowlist.length === 0 ? [] : [[span(`never limited (RATE_LIMIT_ALLOWLIST): ${allowlist.join(', ')}`)]];
  if (overrides.length === 0) return [[span('nobody is banned or exempt by hand')], ...always];
  const rows = overrides.map(({ client, state, remainingSeconds, by, scope }) => [
    client,
    span(state, OVERRIDE_STYLE[state]),
    duration(remainingSeconds),
    by,
    scope === 'cluster' ? '' : span('this node alone', 'warn'),
  ]);
  const columns = [
    { title: 'CLIENT' },
    { title: 'STATE' },
    { title: 'LEFT', right: true },
    { title: 'BY' },
    { title: '' },
  ];
  return [...table(columns, rows), ...always];
}

/** `gateway limit list` */
export async function listOverrides(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/limits', answer: overridesAnswer });
  show(context, json, overrideLines(value));
  return EXIT.ok;
}

/** `gateway limit get CLIENT` */
export async function getLimits(context: AskContext, client: string): Promise<number> {
  const { value, json } = await context.client.call({ path: pathOf(client), answer: clientLimitsAnswer });
  show(context, json, clientLines(value));
  return EXIT.ok;
}

/** `gateway limit top` */
export async function topRefused(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/limits/top', answer: topRefusedAnswer });
  show(context, json, topLines(value));
  return EXIT.ok;
}

/** `gateway limit reset CLIENT` */
export async function resetLimits(context: AskContext, client: string): Promise<number> {
  const call = { method: 'DELETE', path: pathOf(client), answer: limitsResetAnswer } as const;
  const { value, json } = await context.client.call(call);
  const done =
    value.deletedBuckets === 0
      ? `${value.client} had no bucket: it has all its tokens.`
      : `${value.client} has all its tokens again (buckets reset: ${value.deletedBuckets}).`;
  show(context, json, [[span(done)]]);
  return EXIT.ok;
}

/** `gateway limit set|ban|exempt|auto CLIENT` */
export async function changeLimits(
  context: AskContext,
  { client, change }: { readonly client: string; readonly change: ClientLimitsChange },
): Promise<number> {
  const call = { method: 'POST', path: pathOf(client), body: change, answer: clientLimitsAnswer } as const;
  const { value, json } = await context.client.call(call);
  show(context, json, clientLines(value));
  return EXIT.ok;
}
