import { targetChangeAnswer, targetsAnswer } from '../../shared/admin/targets.ts';
import type { TargetAnswer, TargetChange, TargetsAnswer } from '../../shared/admin/targets.ts';
import { segment } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span, Style } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const COLUMNS = [
  { title: 'UPSTREAM' },
  { title: 'TARGET' },
  { title: 'STATE' },
  { title: 'WEIGHT', right: true },
  { title: 'USED' },
  { title: 'PROBED', right: true },
  { title: 'BY' },
  { title: 'OWN SUCCESS', right: true },
  { title: 'WHY' },
];

const STATE_STYLE = { up: 'good', down: 'bad', unknown: 'warn', unprobed: 'faint' } as const satisfies Record<
  TargetAnswer['state'],
  Style
>;

const ago = (seconds: number | null): string => (seconds === null ? '' : `${duration(seconds)} ago`);

const used = (target: TargetAnswer): Span => (target.used ? span('yes') : span('no', 'bad'));

const by = ({ by: node, scope }: TargetAnswer): string =>
  node === '' || scope === 'cluster' ? node : `${node}, for itself`;

export function targetTable({ targets, panic }: TargetsAnswer): readonly Line[] {
  const rows = targets.map((each) => [
    each.upstream,
    each.target,
    span(each.state, STATE_STYLE[each.state]),
    String(each.weight),
    used(each),
    ago(each.checkedSecondsAgo),
    by(each),
    ago(each.ownSuccessSecondsAgo),
    each.why,
  ]);
  const text = `Fewer than half of the targets of ${panic.join(', ')} are left, so all are used.`;
  return [...table(COLUMNS, rows), ...(panic.length === 0 ? [] : [[span(text, 'bad')]])];
}

/** `gateway targets list` */
export async function listTargets(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/targets', answer: targetsAnswer });
  show(context, json, targetTable(value));
  return EXIT.ok;
}

/** `gateway targets drain|up UPSTREAM URL`: for all nodes of the cluster. */
export async function changeTarget(
  context: AskContext,
  { upstream, change }: { readonly upstream: string; readonly change: TargetChange },
): Promise<number> {
  const path = `/admin/targets/${segment(upstream)}`;
  const { value, json } = await context.client.call({ method: 'POST', path, body: change, answer: targetChangeAnswer });
  show(context, json, targetTable({ targets: [value.target], panic: [] }));
  if (!context.json && value.scope !== 'cluster') {
    context.io.err('note: this holds for this node only: it has no Redis, or Redis has not confirmed it');
  }
  return EXIT.ok;
}
