import type { Applied } from '../../shared/backups/restore/apply-plan.ts';
import type { RestorePlan } from '../../shared/backups/restore/plan.ts';
import { count } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';

/** Lines that are shown of a long list. */
const MOST_SHOWN = 40;

export interface RestoreShown {
  readonly plan: RestorePlan;
  readonly id: string;
  readonly where: string;
  /** Keys of the backup whose time is over. */
  readonly expired: number;
  /** `undefined`: nothing was changed. */
  readonly applied: Applied | undefined;
}

/** What a restore does, or would do. */
export function planLines({ plan, id, where, expired, applied }: RestoreShown): readonly Line[] {
  return [
    ...kindTable(plan),
    ...differenceLines(plan, applied !== undefined),
    [span(expiryWords(plan, expired), 'faint')],
    [span(outcomeWords({ plan, id, where, applied }), applied === undefined ? 'plain' : 'good')],
  ];
}

const COLUMNS = [
  { title: 'WHAT' },
  { title: 'IN THE BACKUP', right: true },
  { title: 'IN REDIS', right: true },
  { title: 'PUT BACK' },
];

const kindTable = ({ rows }: RestorePlan): readonly Line[] =>
  rows.length === 0
    ? []
    : table(
        COLUMNS,
        rows.map(({ kind, inBackup, onTarget, restored }): readonly Cell[] => [
          kind.name,
          count(inBackup),
          count(onTarget),
          restored ? span('yes', 'good') : `no: ${kind.why}`,
        ]),
      );

function differenceLines({ differences }: RestorePlan, done: boolean): readonly Line[] {
  if (differences.length === 0) return [];
  const rows = differences
    .slice(0, MOST_SHOWN)
    .map(({ subject, before, after }): readonly Cell[] => [subject, before ?? '-', after ?? '-']);
  const more = differences.length - rows.length;
  return [
    [],
    ...table([{ title: 'DIFFERENCE' }, { title: done ? 'WAS' : 'IS' }, { title: done ? 'IS NOW' : 'WOULD BE' }], rows),
    ...(more === 0 ? [] : [[span(`and ${count(more)} more; --json shows all`, 'faint')]]),
    [],
  ];
}

function expiryWords({ rows }: RestorePlan, expired: number): string {
  const gone =
    expired === 0 ? '' : `${count(expired)} keys of the backup have expired since, buckets of clients as a rule. `;
  const buckets = rows.find(({ kind }) => kind.when === 'buckets');
  return buckets?.restored === true
    ? `${gone}Buckets go on from where they were, refilled for the time between.`
    : `${gone}Buckets start full: each client may have one capacity more than it had left, once.`;
}

function outcomeWords({ plan, id, where, applied }: Omit<RestoreShown, 'expired'>): string {
  if (applied === undefined) {
    return `${count(plan.writes.length)} keys of ${id} would be written to ${where}. Nothing was changed.`;
  }
  const removed = applied.removed === 0 ? '' : `, and ${count(applied.removed)} were removed that it does not have`;
  return `${count(applied.written)} keys of ${id} were written to ${where}${removed}.`;
}
