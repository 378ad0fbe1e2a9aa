import { clientLimitsAnswer } from '../../shared/admin/limits.ts';
import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
import { segment } from '../admin/client.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import { EXIT } from '../exit-codes.ts';
import { duration, figure } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span } from '../output/text.ts';
import { bucketTable, overrideOf, profileOf } from '../limit/limit.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

type Route = ClientLimitsAnswer['routes'][number];

/** A wait of no time is no wait; the gateway gives one that never ends as a number that is not finite. */
const wait = (seconds: number): string =>
  seconds <= 0 ? 'now' : Number.isFinite(seconds) ? `in ${duration(seconds)}` : 'never';

function answerOf({ wouldPass, shadow, refusedBy, rules }: Route): Span {
  if (wouldPass && refusedBy === null) return span(rules.length === 0 ? 'passes (no limit)' : 'passes', 'good');
  return shadow || wouldPass ? span('passes (shadow: only counted)', 'warn') : span(statusOf(refusedBy), 'bad');
}

/** No rule refuses where Redis is away and the route is to refuse then (`on_store_failure: closed`). */
function statusOf(refusedBy: string | null): string {
  if (refusedBy === null) return '503';
  return refusedBy === 'ban' ? '403' : '429';
}

/** The one sentence that is asked for. */
export function verdictOf(answer: ClientLimitsAnswer): Span {
  const { client, override, allowlisted, routes, buckets } = answer;
  if (override?.state === 'BANNED') {
    return span(`${client} is refused everywhere: banned for ${duration(override.remainingSeconds)} more.`, 'bad');
  }
  if (override?.state === 'EXEMPT') {
    return span(`${client} passes: exempt for ${duration(override.remainingSeconds)} more.`, 'good');
  }
  if (allowlisted) return span(`${client} passes: RATE_LIMIT_ALLOWLIST has it.`, 'good');
  const refused = routes.filter(({ wouldPass, shadow }) => !wouldPass && !shadow);
  if (refused.length === 0) {
    if (routes.every(({ rules }) => rules.length === 0)) return span(`${client} passes: no route has a limit.`, 'good');
    const full = buckets.every(({ exists }) => !exists);
    return span(`${client} passes${full ? ': it has no bucket yet, so it is full' : ''}.`, 'good');
  }
  const where = refused.length === routes.length ? 'now' : `on ${refused.map(({ route }) => route).join(', ')}`;
  return span(`${client} would be refused ${where}.`, 'bad');
}

const COLUMNS = [
  { title: 'ROUTE' },
  { title: 'ANSWER' },
  { title: 'REFUSED BY' },
  { title: 'PASSES' },
  { title: 'COST', right: true },
  { title: 'RULES' },
];

const routeTable = ({ routes }: ClientLimitsAnswer): readonly Line[] =>
  table(
    COLUMNS,
    routes.map((route) => [
      route.route,
      answerOf(route),
      route.refusedBy ?? (route.wouldPass ? '' : 'Redis is away'),
      wait(route.retryAfterSeconds),
      figure(route.cost),
      route.rules.join(', '),
    ]),
  );

export function whyLines(answer: ClientLimitsAnswer): readonly Line[] {
  const lines: Line[] = [[verdictOf(answer)]];
  if (answer.profile !== null) lines.push([span('profile   ', 'faint'), span(profileOf(answer))]);
  if (answer.override !== null) lines.push([span('override  ', 'faint'), overrideSpan(answer)]);
  if (answer.scope === 'node') {
    lines.push([span('As this node sees it: it has no Redis, or cannot reach it.', 'warn')]);
  }
  if (answer.routes.length > 0) lines.push([], ...routeTable(answer));
  if (answer.buckets.length > 0) lines.push([], ...bucketTable(answer));
  return lines;
}

function overrideSpan(answer: ClientLimitsAnswer): Span {
  const cell = overrideOf(answer);
  return typeof cell === 'object' ? cell : span(String(cell));
}

/** `gateway why CLIENT`: would a request pass now, which rule refuses it, and when the next one passes. */
export async function why(context: AskContext, client: string): Promise<number> {
  const path = `/admin/limits/${segment(client)}`;
  try {
    const { value, json } = await context.client.call({ path, answer: clientLimitsAnswer });
    show(context, json, whyLines(value));
  } catch (error) {
    if (!(error instanceof AdminRefusal && error.code === 'unknown_client')) throw error;
    const [detail = ''] = error.message.split('\n');
    const passes = span(`${client} passes.`, 'good');
    show(context, { client, known: false, wouldPass: true, detail }, [[passes], [span(detail)]]);
  }
  return EXIT.ok;
}
