import { statusAnswer } from '../../shared/admin/status.ts';
import type { StatusAnswer } from '../../shared/admin/status.ts';
import { EXIT } from '../exit-codes.ts';
import { overloadLines, shedWords } from './overload.ts';
import { count, duration, milliseconds, percent } from '../output/quantities.ts';
import { facts, table } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span, Style } from '../output/text.ts';
import { breakerTable } from '../breaker/breaker.ts';
import { maintenanceWords } from '../maintenance/maintenance.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const VERDICT_STYLE = { ok: 'good', degraded: 'warn', draining: 'warn' } as const satisfies Record<string, Style>;
const FRONT_WORDS = {
  native: 'native',
  public: "native, without Node's own handles: each thread listens",
  uws: 'uws (uWebSockets.js)',
} as const satisfies Record<StatusAnswer['front'], string>;
const REDIS_STYLE = { none: 'plain', up: 'good', down: 'bad' } as const satisfies Record<string, Style>;

export const verdictSpan = ({ verdict, reasons }: StatusAnswer): Span =>
  span([verdict, ...(reasons.length === 0 ? [] : [reasons.join('; ')])].join(': '), VERDICT_STYLE[verdict]);

function redisCell({ redis }: StatusAnswer): Cell {
  const { mode, state, reason } = redis;
  const what = mode === null ? state : `${state} (${mode})`;
  return span(reason === '' ? what : `${what}: ${reason}`, REDIS_STYLE[state]);
}

/** As the alerts CertificateExpires and CertificateExpiresSoon have it. */
function certificateCell({ name, endsAt, leftSeconds }: StatusAnswer['certificates'][number]): Cell {
  const days = leftSeconds / 86_400;
  const text = `${name === '' ? 'without a name' : name}: ${days < 0 ? 'ended' : 'ends'} on ${endsAt.slice(0, 10)}`;
  return span(text, days < 2 ? 'bad' : days < 14 ? 'warn' : 'plain');
}

const TOKEN_WORDS = {
  given: 'by ADMIN_TOKEN',
  made: 'by the token that the gateway made in its STATE_DIR',
} as const;

const changesCell = ({ changes }: StatusAnswer): Cell =>
  changes.token === 'none' ? span(`refused: ${changes.reason}`, 'warn') : TOKEN_WORDS[changes.token];

function reloadWords({ lastReload }: StatusAnswer): Cell {
  if (lastReload === null) return 'none since the start';
  const { at, applied, problems } = lastReload;
  return applied ? `applied at ${at}` : span(`refused at ${at}: ${problems.join('; ')}`, 'bad');
}

const THREAD_COLUMNS = [
  { title: 'THREAD' },
  { title: 'STATE' },
  { title: 'IN FLIGHT', right: true },
  { title: 'CONNECTIONS', right: true },
  { title: 'WEBSOCKETS', right: true },
  { title: 'LOOP', right: true },
  { title: 'REFUSES', right: true },
  { title: 'LAST BEAT', right: true },
  { title: 'CONFIG', right: true },
];

export const threadTable = ({ threads }: StatusAnswer): readonly Line[] =>
  table(
    THREAD_COLUMNS,
    threads.map((thread) => [
      thread.slot,
      span(thread.state, thread.state === 'serving' ? 'good' : 'warn'),
      count(thread.inFlight),
      count(thread.openConnections),
      count(thread.webSockets),
      percent(thread.loopUtilisation),
      span(percent(thread.shedPercent / 100), thread.shedPercent === 0 ? 'plain' : 'bad'),
      milliseconds(thread.lastBeatMsAgo),
      thread.configVersion,
    ]),
  );

const unreachableLines = ({ unreachable }: StatusAnswer): readonly Line[] =>
  unreachable.length === 0
    ? []
    : [
        [],
        ...table(
          [{ title: 'OUT OF REACH' }, { title: 'TARGET' }, { title: 'WHY' }],
          unreachable.map(({ upstream, target, reason }) => [upstream, target, span(reason, 'bad')]),
        ),
      ];

export function statusLines(status: StatusAnswer): readonly Line[] {
  return [
    ...facts([
      ['verdict', verdictSpan(status)],
      ['node', status.node],
      ['version', status.version],
      ['up', `${duration(status.uptimeSeconds)}, since ${status.startedAt}`],
      ['port', status.port],
      ['front', FRONT_WORDS[status.front]],
      ['connections at most', count(status.maxConnections)],
      ['configuration', `version ${status.configVersion}`],
      ...status.warnings.map((each): [string, Cell] => ['warning', span(each, 'warn')]),
      ...status.maintenance.map((each): [string, Cell] => ['maintenance', span(maintenanceWords(each), 'warn')]),
      ['last reload', reloadWords(status)],
      ...status.certificates.map((each): [string, Cell] => ['certificate', certificateCell(each)]),
      ['nodes', count(status.liveNodes)],
      ['redis', redisCell(status)],
      ['changes', changesCell(status)],
      ['overload', shedWords(status.overload)],
      ['thread restarts', count(status.threadRestarts)],
    ]),
    [],
    ...threadTable(status),
    [],
    ...breakerTable(status.breakers),
    ...overloadLines(status.overload),
    ...unreachableLines(status),
  ];
}

/** `gateway status` */
export async function status(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/status', answer: statusAnswer });
  show(context, json, statusLines(value));
  return EXIT.ok;
}
