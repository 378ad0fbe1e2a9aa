import { breakerAnswer, breakerChangeAnswer, breakersAnswer } from '../../shared/admin/breakers.ts';
import type { BreakerAnswer, BreakerOverride, BreakersAnswer } from '../../shared/admin/breakers.ts';
import { segment } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { count, duration } from '../output/quantities.ts';
import { facts, table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span, Style } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const STATE_STYLE = { CLOSED: 'good', HALF_OPEN: 'warn', OPEN: 'bad' } as const satisfies Record<string, Style>;

export const breakerState = ({ state }: Pick<BreakerAnswer, 'state'>): Span => span(state, STATE_STYLE[state]);

function forcedWords({ forced }: BreakerAnswer): string {
  return forced === null ? '' : `${forced.state} by hand, ${duration(forced.remainingSeconds)} left`;
}

const oneClientWords = ({ oneClient }: BreakerAnswer): string => (oneClient ? 'for one client, others pass' : '');

/** When the next probe goes out; nothing unless the breaker is open. */
const nextProbe = ({ state, openForSeconds }: BreakerAnswer): string =>
  state === 'OPEN' ? duration(openForSeconds) : '';

const COLUMNS = [
  { title: 'UPSTREAM' },
  { title: 'STATE' },
  { title: 'MODE' },
  { title: 'FAILURES', right: true },
  { title: 'REFUSED', right: true },
  { title: 'NEXT PROBE', right: true },
  { title: 'WHY' },
];

export function breakerTable(breakers: readonly BreakerAnswer[]): readonly Line[] {
  if (breakers.length === 0) return [[span('no breakers')]];
  return table(
    COLUMNS,
    breakers.map((breaker) => [
      breaker.upstream,
      breakerState(breaker),
      breaker.mode,
      count(breaker.failures),
      count(breaker.refused),
      nextProbe(breaker),
      [breaker.reason, oneClientWords(breaker), forcedWords(breaker)].filter((words) => words !== '').join('; '),
    ]),
  );
}

export function breakerFacts(breaker: BreakerAnswer): readonly Line[] {
  return facts([
    ['upstream', breaker.upstream],
    ['state', breakerState(breaker)],
    ['why', [breaker.reason || '-', oneClientWords(breaker)].filter((words) => words !== '').join('; ')],
    ['by hand', forcedWords(breaker) || 'no'],
    ['mode', breaker.mode],
    ['decided by', breaker.scope],
    ['failures', count(breaker.failures)],
    ['refused by this node', count(breaker.refused)],
    ...(breaker.state === 'OPEN' ? ([['next probe in', nextProbe(breaker)]] as const) : []),
  ]);
}

const ask = ({ client }: AskContext) => client.call({ path: '/admin/breakers', answer: breakersAnswer });

/** `gateway breaker list` */
export async function listBreakers(context: AskContext): Promise<number> {
  const { value, json } = await ask(context);
  show(context, json, breakerTable(value.breakers));
  warnOfScope(context, value);
  return EXIT.ok;
}

/** `gateway breaker get UPSTREAM` */
export async function getBreaker(context: AskContext, upstream: string): Promise<number> {
  const path = `/admin/breakers/${segment(upstream)}`;
  const { value, json } = await context.client.call({ path, answer: breakerAnswer });
  show(context, json, breakerFacts(value));
  return EXIT.ok;
}

/** `gateway breaker open|close|auto UPSTREAM`: for all nodes of the cluster. */
export async function changeBreaker(
  context: AskContext,
  { upstream, change }: { readonly upstream: string; readonly change: BreakerOverride },
): Promise<number> {
  const path = `/admin/breakers/${segment(upstream)}`;
  const { value, json } = await context.client.call({
    method: 'POST',
    path,
    body: change,
    answer: breakerChangeAnswer,
  });
  show(context, json, breakerFacts(value));
  if (!context.json && value.scope !== 'cluster') {
    context.io.err('note: this holds for this node only: it has no Redis, or Redis has not confirmed it');
  }
  return EXIT.ok;
}

function warnOfScope({ io, json }: AskContext, { scope, breakers }: BreakersAnswer): void {
  if (json || scope === 'cluster' || breakers.length === 0) return;
  io.err('note: this is what this node decides for itself; it has no Redis, or cannot reach it');
}
