import { maintenanceAnswer } from '../../shared/admin/maintenance.ts';
import type { MaintenanceAnswer, MaintenanceChange, MaintenanceEntry } from '../../shared/admin/maintenance.ts';
import { ALL_ROUTES } from '../../shared/maintenance/maintenance.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const PATH = '/admin/maintenance';

const COLUMNS = [
  { title: 'ROUTE' },
  { title: 'LEFT', right: true },
  { title: 'UNTIL' },
  { title: 'PASS' },
  { title: 'TEXT' },
  { title: 'BY' },
  { title: '' },
];

const routeCell = ({ route }: MaintenanceEntry): string => (route === ALL_ROUTES ? 'all routes' : route);
const aloneCell = ({ scope }: MaintenanceEntry) => (scope === 'cluster' ? '' : span('this node alone', 'warn'));

/** In one line: of what, how long, and what clients are told. */
export function maintenanceWords(entry: MaintenanceEntry): string {
  const alone = entry.scope === 'cluster' ? '' : ', on this node alone';
  const text = entry.text === '' ? '' : `: ${entry.text}`;
  return `${routeCell(entry)}, ${duration(entry.remainingSeconds)} left${alone}${text}`;
}

export function maintenanceLines({ maintenance, scope, kept }: MaintenanceAnswer): readonly Line[] {
  const rows = maintenance.map((entry) => [
    routeCell(entry),
    duration(entry.remainingSeconds),
    entry.until.replace(/\.\d+Z$/, 'Z'),
    entry.allow.join(', '),
    entry.text,
    entry.by,
    aloneCell(entry),
  ]);
  return [
    ...(rows.length === 0 ? [[span('Nothing is under maintenance.')]] : table(COLUMNS, rows)),
    ...(scope === 'node'
      ? [[span('Known to this node alone: it has no Redis, or cannot reach it, and tells it when it can.', 'warn')]]
      : []),
    ...(kept ? [] : [[span('It is kept nowhere (STATE_DIR, PORT): a restart of this node ends it.', 'warn')]]),
  ];
}

/** `gateway maintenance list` */
export async function listMaintenance(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: PATH, answer: maintenanceAnswer });
  show(context, json, maintenanceLines(value));
  return EXIT.ok;
}

/** `gateway maintenance on|off` */
export async function changeMaintenance(context: AskContext, change: MaintenanceChange): Promise<number> {
  const call = { method: 'POST', path: PATH, body: change, answer: maintenanceAnswer } as const;
  const { value, json } = await context.client.call(call);
  const rest = value.maintenance.find(({ route }) => route === ALL_ROUTES);
  const isStill = change.state === 'OFF' && change.route !== undefined && rest !== undefined;
  show(context, json, [
    ...maintenanceLines(value),
    ...(isStill ? [[span(`All routes are under maintenance, ${change.route} too.`, 'warn')]] : []),
  ]);
  return EXIT.ok;
}
