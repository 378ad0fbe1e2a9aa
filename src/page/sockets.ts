import type { PageAnswer, RouteSockets } from '../shared/admin/page.ts';
import { el } from './dom.ts';
import type { Child } from './dom.ts';
import { bytes, figure } from './format.ts';
import { fill, note } from './panels.ts';
import { badge, empty, outside, table } from './parts.ts';

const COLUMNS = [
  { title: 'Route' },
  { title: 'Open', right: true },
  { title: 'Opened', right: true },
  { title: 'Closed by, with' },
  { title: 'Messages in', right: true },
  { title: 'Messages out', right: true },
  { title: 'Bytes in', right: true },
  { title: 'Bytes out', right: true },
  { title: 'Messages refused', right: true },
];
const SHOWN_CODES = 6;
/** An end that both sides wanted; of all others somebody may want to know why. */
const GOOD_CODES: ReadonlySet<string> = new Set(['1000', '1001', '1005']);
const MEANINGS: Readonly<Record<string, string>> = {
  '1000': 'normal',
  '1001': 'going away',
  '1002': 'protocol error',
  '1005': 'no code',
  '1006': 'cut off',
  '1008': 'policy',
  '1009': 'too big',
  '1011': 'internal error',
  '1012': 'restart',
  '1013': 'try again later',
};

const closedCell = ({ closed }: RouteSockets): readonly Child[] => {
  if (closed.length === 0) return ['none yet'];
  const told = closed.slice(0, SHOWN_CODES).map(({ by, code, count }) => {
    const meaning = MEANINGS[code];
    const text = `${by} ${code}${meaning === undefined ? '' : ` ${meaning}`}: ${figure(count)}`;
    return GOOD_CODES.has(code) ? el('span', { class: 'piece' }, text) : badge('warn', text);
  });
  const rest = closed.slice(SHOWN_CODES).reduce((sum, { count }) => sum + count, 0);
  return [el('span', { class: 'pieces' }, rest === 0 ? told : [...told, el('span', {}, `others: ${figure(rest)}`)])];
};

/** WebSockets by route, over all nodes. */
export function showSockets({ webSockets, summed, nodes }: PageAnswer): void {
  const open = webSockets.reduce((sum, each) => sum + each.open, 0);
  note('sockets', [`${figure(open)} open · ${countOf(summed.length, nodes.nodes.length)}, since the start of each`]);
  if (webSockets.length === 0) return fill('sockets', [empty('No route has had a WebSocket since the start.')]);
  fill('sockets', [
    table(
      'WebSockets by route',
      COLUMNS,
      webSockets
        .toSorted((a, b) => b.open - a.open || (a.route < b.route ? -1 : 1))
        .map((each) => ({
          key: each.route,
          cells: [
            outside(each.route),
            figure(each.open),
            figure(each.opened),
            closedCell(each),
            figure(each.messagesReceived),
            figure(each.messagesSent),
            bytes(each.bytesReceived),
            bytes(each.bytesSent),
            each.messagesRefused === 0 ? '0' : badge('warn', figure(each.messagesRefused)),
          ],
        })),
    ),
  ]);
}

/** Of how many nodes numbers are. A node that has had nothing to do says nothing. */
export const countOf = (summed: number, all: number): string =>
  all <= 1
    ? 'of this node'
    : summed === all
      ? `of all ${all} nodes`
      : `of ${summed} of ${all} nodes that say something`;
