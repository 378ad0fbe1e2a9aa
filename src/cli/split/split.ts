import { splitChangeAnswer, splitsAnswer } from '../../shared/admin/splits.ts';
import type { SplitAnswer, SplitChange } from '../../shared/admin/splits.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const COLUMNS = [
  { title: 'ROUTE' },
  { title: 'PATH' },
  { title: 'UPSTREAM' },
  { title: 'WEIGHT', right: true },
  { title: 'CONFIGURED', right: true },
  { title: 'FOR', right: true },
  { title: 'BY' },
  { title: 'WHEN' },
];

function splitTable(splits: readonly SplitAnswer[]): readonly Line[] {
  const rows = splits.flatMap(({ route, path, sides }) =>
    sides.map(({ upstream, weight, configured, moved, when }) => [
      route,
      path,
      upstream,
      String(weight),
      String(configured),
      moved === null ? '' : duration(moved.remainingSeconds),
      moved?.by ?? '',
      when === null ? '' : `${when.header}: ${when.equals}`,
    ]),
  );
  return table(COLUMNS, rows);
}

/** `gateway split` */
export async function listSplits(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/splits', answer: splitsAnswer });
  show(context, json, splitTable(value.splits));
  return EXIT.ok;
}

/** `gateway split ROUTE UPSTREAM=WEIGHT …`: for all nodes of the cluster. */
export async function changeSplit(context: AskContext, change: SplitChange): Promise<number> {
  const path = '/admin/splits';
  const { value, json } = await context.client.call({ method: 'POST', path, body: change, answer: splitChangeAnswer });
  show(context, json, splitTable([value.split]));
  if (!context.json && value.scope !== 'cluster') {
    context.io.err('note: this holds for this node only: it has no Redis, or Redis has not confirmed it');
  }
  return EXIT.ok;
}
