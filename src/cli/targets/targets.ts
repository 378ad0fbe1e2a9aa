import { targetsAnswer } from '../../shared/admin/targets.ts';
import type { TargetAnswer, TargetsAnswer } from '../../shared/admin/targets.ts';
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

/** `gateway targets` */
export async function targets(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/targets', answer: targetsAnswer });
  show(context, json, targetTable(value));
  return EXIT.ok;
}
