import { whyAnswer } from '../../shared/admin/why.ts';
import type { RefusalReason, WhyAnswer } from '../../shared/admin/why.ts';
import { segment } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { duration, figure } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span } from '../output/text.ts';
import { bucketTable, overrideOf, profileOf } from '../limit/limit.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

type Limit = WhyAnswer['routes'][number];

/** A wait of no time is no wait; the gateway gives one that never ends as a number that is not finite. */
const wait = (seconds: number): string =>
  seconds <= 0 ? 'now' : Number.isFinite(seconds) ? `in ${duration(seconds)}` : 'never';

/** The one sentence that is asked for. */
export function verdictOf(answer: WhyAnswer): Span {
  const { client, override, allowlisted, routes, buckets, reasons } = answer;
  const refused = reasons.filter(({ certain }) => certain);
  if (override?.state === 'BANNED') {
    return span(`${client} is refused everywhere: banned for ${duration(override.remainingSeconds)} more.`, 'bad');
  }
  if (refused.length > 0) {
    const names = [...new Set(refused.map(({ route }) => route))];
    const where = routes.every(({ route }) => names.includes(route)) ? 'now' : `on ${names.join(', ')}`;
    return span(`${client} would be refused ${where}.`, 'bad');
  }
  if (reasons.length > 0) return span(`${client} passes where its request brings what is said below.`, 'warn');
  if (override?.state === 'EXEMPT') {
    return span(`${client} passes: exempt for ${duration(override.remainingSeconds)} more.`, 'good');
  }
  if (allowlisted) return span(`${client} passes: RATE_LIMIT_ALLOWLIST has it.`, 'good');
  if (routes.every(({ rules }) => rules.length === 0)) return span(`${client} passes: no route has a limit.`, 'good');
  const full = buckets.every(({ exists }) => !exists);
  return span(`${client} passes${full ? ': it has no bucket yet, so it is full' : ''}.`, 'good');
}

const COLUMNS = [
  { title: 'ROUTE' },
  { title: 'ANSWER' },
  { title: 'REFUSED BY' },
  { title: 'PASSES' },
  { title: 'COST', right: true },
  { title: 'RULES' },
];

function answerOf({ wouldPass, shadow, refusedBy, rules }: Limit, first: RefusalReason | undefined): Span {
  if (first !== undefined) return first.certain ? span(String(first.status), 'bad') : span('it depends', 'warn');
  if (wouldPass && refusedBy === null) return span(rules.length === 0 ? 'passes (no limit)' : 'passes', 'good');
  return shadow || wouldPass ? span('passes (shadow: only counted)', 'warn') : span(statusOf(refusedBy), 'bad');
}

/** No rule refuses where Redis is away and the route is to refuse then (`on_store_failure: closed`). */
function statusOf(refusedBy: string | null): string {
  if (refusedBy === null) return '503';
  return refusedBy === 'ban' ? '403' : '429';
}

/** What refuses first where several do; what may refuse only where nothing does for certain. */
const firstOf = ({ reasons }: WhyAnswer, name: string): RefusalReason | undefined => {
  const own = reasons.filter(({ route }) => route === name);
  return own.find(({ certain }) => certain) ?? own[0];
};

function refuserOf(limit: Limit, first: RefusalReason | undefined): string {
  const { refusedBy, wouldPass } = limit;
  if (first === undefined || first.code === 'rate_limited') return refusedBy ?? (wouldPass ? '' : 'Redis is away');
  if (first.code === 'client_banned') return 'ban';
  return first.code === 'limits_unavailable' ? 'Redis is away' : first.code;
}

const routeTable = (answer: WhyAnswer): readonly Line[] =>
  table(
    COLUMNS,
    answer.routes.map((limit) => {
      const first = firstOf(answer, limit.route);
      return [
        limit.route,
        answerOf(limit, first),
        refuserOf(limit, first),
        passesOf(limit, first),
        figure(limit.cost),
        limit.rules.join(', '),
      ];
    }),
  );

function passesOf({ retryAfterSeconds }: Limit, first: RefusalReason | undefined): string {
  if (first === undefined || first.code === 'rate_limited') return wait(retryAfterSeconds);
  return first.retryAfterSeconds > 0 ? wait(first.retryAfterSeconds) : '';
}

/** Each reason once, whichever routes have it. */
function reasonLines({ reasons }: WhyAnswer): readonly Line[] {
  const byText = new Map<string, { readonly reason: RefusalReason; readonly routes: string[] }>();
  for (const reason of reasons) {
    const known = byText.get(`${reason.code} ${reason.why}`);
    if (known === undefined) byText.set(`${reason.code} ${reason.why}`, { reason, routes: [reason.route] });
    else known.routes.push(reason.route);
  }
  return [...byText.values()].flatMap(({ reason, routes }): readonly Line[] => [
    [],
    [
      span(`${reason.status} ${reason.code}`, reason.certain ? 'bad' : 'warn'),
      span(` on ${routes.join(', ')}: ${reason.why}.`),
    ],
    [span(reason.todo, 'faint')],
  ]);
}

export function whyLines(answer: WhyAnswer): readonly Line[] {
  const lines: Line[] = [[verdictOf(answer)]];
  if (!answer.known)
    lines.push([span('Nothing is known of it yet: it has neither a bucket nor a line in the configuration.', 'faint')]);
  if (answer.profile !== null) lines.push([span('profile   ', 'faint'), span(profileOf(answer))]);
  if (answer.override !== null) lines.push([span('override  ', 'faint'), overrideSpan(answer)]);
  if (answer.address !== null && answer.address !== answer.client) {
    lines.push([span('address   ', 'faint'), span(answer.address)]);
  }
  if (answer.scope === 'node') {
    lines.push([span('As this node sees it: it has no Redis, or cannot reach it.', 'warn')]);
  }
  lines.push(...reasonLines(answer));
  if (answer.routes.length > 0) lines.push([], ...routeTable(answer));
  if (answer.buckets.length > 0) lines.push([], ...bucketTable(answer));
  return lines;
}

function overrideSpan(answer: WhyAnswer): Span {
  const cell = overrideOf(answer);
  return typeof cell === 'object' ? cell : span(String(cell));
}

/** What narrows the question. */
export interface WhyOptions {
  /** Where the client comes from. */
  readonly address?: string | undefined;
  readonly route?: string | undefined;
}

/** `gateway why CLIENT`: would a request pass now, what refuses it and what to do, and when the next one passes. */
export async function why(context: AskContext, client: string, { address, route }: WhyOptions): Promise<number> {
  const query = new URLSearchParams({
    ...(address === undefined ? {} : { address }),
    ...(route === undefined ? {} : { route }),
  }).toString();
  const path = `/admin/why/${segment(client)}${query === '' ? '' : `?${query}`}`;
  const { value, json } = await context.client.call({ path, answer: whyAnswer });
  show(context, json, whyLines(value));
  return EXIT.ok;
}
