import type { NodeStanding, RouteSockets, UpstreamRates } from '../../shared/admin/page.ts';
import { monotonicMs, wallClockMs } from '../../shared/clock.ts';
import { ROUTE, SOCKET_CLOSE_CODES, SOCKET_ENDERS, socketClosedColumn } from '../../shared/metrics/layout.ts';
import { BlockSums } from '../metrics/block-sums.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';
import { socketRows } from '../metrics/websocket-metrics.ts';
import { upstreamTotals } from './totals.ts';
import type { UpstreamTotals } from './totals.ts';

/** Rows that go to the other nodes, the busiest first; a configuration may have more. */
const MOST_ROWS = 100;

/** Upstreams and WebSockets of this node, with rates since it was last asked. */
export class Standing {
  readonly #memory: MetricMemory;
  #last: { readonly atMs: number; readonly before: ReadonlyMap<string, UpstreamTotals> } | undefined;

  constructor(memory: MetricMemory) {
    this.#memory = memory;
  }

  now(): NodeStanding {
    return {
      at: Math.floor(wallClockMs() / 1000),
      upstreams: this.#upstreams(),
      webSockets: socketsOf(new BlockSums(this.#memory)),
    };
  }

  #upstreams(): UpstreamRates[] {
    const now = upstreamTotals(this.#memory);
    const nowMs = monotonicMs();
    const last = this.#last;
    this.#last = { atMs: nowMs, before: new Map(now.map((each) => [each.upstream, each])) };
    const seconds = last === undefined ? Number.POSITIVE_INFINITY : (nowMs - last.atMs) / 1000;
    return now.map(({ connectionsOpen, connectionsIdle, queued, ...each }) => {
      const before = last?.before.get(each.upstream);
      const rate = (name: 'requests' | 'retries' | 'connectFailures'): number =>
        Math.round((10 * Math.max(0, each[name] - (before?.[name] ?? 0))) / seconds) / 10;
      return {
        upstream: each.upstream,
        requests: rate('requests'),
        retries: rate('retries'),
        connectFailures: rate('connectFailures'),
        busy: Math.max(0, connectionsOpen - connectionsIdle),
        idle: connectionsIdle,
        queued,
      };
    });
  }
}

const socketsOf = (sums: BlockSums): RouteSockets[] =>
  socketRows(sums).map(({ name, start }) => ({
    route: name,
    open: sums.at(start + ROUTE.socketsOpen),
    opened: sums.at(start + ROUTE.socketsOpened),
    closed: SOCKET_ENDERS.flatMap((by) =>
      SOCKET_CLOSE_CODES.flatMap((code) => {
        const count = sums.at(start + socketClosedColumn(by, code));
        return count > 0 ? [{ by, code, count }] : [];
      }),
    ),
    messagesReceived: sums.at(start + ROUTE.socketMessages),
    messagesSent: sums.at(start + ROUTE.socketMessages + 1),
    messagesRefused: sums.at(start + ROUTE.socketMessagesRefused),
    bytesReceived: sums.at(start + ROUTE.socketMessageBytes),
    bytesSent: sums.at(start + ROUTE.socketMessageBytes + 1),
  }));

/** What of it goes to the other nodes; `undefined`: there is nothing to say. */
export function toldStanding({ at, upstreams, webSockets }: NodeStanding): NodeStanding | undefined {
  const used = upstreams.filter(({ requests, busy, queued, idle }) => requests + busy + queued + idle > 0);
  if (used.length + webSockets.length === 0) return undefined;
  return {
    at,
    upstreams: used.toSorted((a, b) => b.requests - a.requests).slice(0, MOST_ROWS),
    webSockets: webSockets.toSorted((a, b) => b.opened - a.opened).slice(0, MOST_ROWS),
  };
}

/** Several nodes as one. */
export function summedStanding(all: readonly NodeStanding[]): Omit<NodeStanding, 'at'> {
  const upstreams = new Map<string, UpstreamRates>();
  const webSockets = new Map<string, RouteSockets>();
  for (const standing of all) {
    for (const each of standing.upstreams) {
      upstreams.set(each.upstream, summed(upstreams.get(each.upstream), each));
    }
    for (const each of standing.webSockets) {
      const had = webSockets.get(each.route);
      webSockets.set(each.route, { ...summed(had, each), closed: closedOf([...(had?.closed ?? []), ...each.closed]) });
    }
  }
  return { upstreams: [...upstreams.values()], webSockets: [...webSockets.values()] };
}

/** Adds up all members that are numbers. */
function summed<Row extends UpstreamRates | RouteSockets>(had: Row | undefined, more: Row): Row {
  if (had === undefined) return more;
  const sums = Object.entries(more).map(([name, value]: [string, unknown]) => {
    const before: unknown = had[name as keyof Row];
    return [name, typeof value === 'number' && typeof before === 'number' ? round(before + value) : value];
  });
  return Object.fromEntries(sums) as Row;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function closedOf(all: RouteSockets['closed']): RouteSockets['closed'] {
  const counts = new Map<string, RouteSockets['closed'][number]>();
  for (const { by, code, count } of all) {
    const key = `${by} ${code}`;
    counts.set(key, { by, code, count: (counts.get(key)?.count ?? 0) + count });
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count);
}
