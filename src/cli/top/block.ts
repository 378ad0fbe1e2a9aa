import type { TrafficAnswer } from '../../shared/admin/status.ts';
import { breakerTable } from '../breaker/breaker.ts';
import { nodeTable } from '../nodes/nodes.ts';
import { threadTable, verdictSpan } from '../status/status.ts';
import { bytes, count, duration, figure, milliseconds, percent } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span } from '../output/text.ts';
import type { Percentile } from '../../shared/metrics/percentile.ts';
import type { Rates } from './rates.ts';
import type { Sample } from './sample.ts';

/** Clients and routes that are shown. */
const LISTED = 10;

const unknown = span('-', 'faint');

const share = (part: number, whole: number): string => (whole === 0 ? percent(0) : percent(part / whole));

/** A share that should be nothing stands out when it is something. */
const alarming = (text: string, value: number): Span => span(text, value > 0 ? 'bad' : 'plain');

const time = (value: Percentile | undefined): Cell =>
  value === undefined ? unknown : `${value.above ? '>' : ''}${milliseconds(value.seconds * 1000)}`;

function trafficLines({ inFlight, openConnections }: TrafficAnswer, rates: Rates | undefined): readonly Line[] {
  const { requests = 0, errors5xx = 0, refused429 = 0, percentiles } = rates ?? {};
  const known = (cell: Cell): Cell => (rates === undefined ? unknown : cell);
  const titles = ['REQ/S', '5XX', '429', 'P50', 'P95', 'P99', 'IN FLIGHT', 'CONNECTIONS', 'IN', 'OUT'];
  return table(
    titles.map((title) => ({ title, right: true })),
    [
      [
        known(span(figure(requests), 'strong')),
        known(alarming(share(errors5xx, requests), errors5xx)),
        known(span(share(refused429, requests), refused429 > 0 ? 'warn' : 'plain')),
        time(percentiles?.p50),
        time(percentiles?.p95),
        time(percentiles?.p99),
        count(inFlight),
        count(openConnections),
        known(`${bytes(rates?.bytesReceived ?? 0)}/s`),
        known(`${bytes(rates?.bytesSent ?? 0)}/s`),
      ],
    ],
  );
}

const ROUTE_COLUMNS = [
  { title: 'ROUTE' },
  { title: 'REQ/S', right: true },
  { title: '5XX/S', right: true },
  { title: '429/S', right: true },
];

const routeLines = (rates: Rates): readonly Line[] =>
  table(
    ROUTE_COLUMNS,
    rates.routes
      .slice(0, LISTED)
      .map(({ route, requests, errors5xx, refused429 }) => [
        route,
        figure(requests),
        alarming(figure(errors5xx), errors5xx),
        span(figure(refused429), refused429 > 0 ? 'warn' : 'plain'),
      ]),
  );

const clientLines = ({ refused }: Sample): readonly Line[] =>
  table(
    [{ title: 'MOST REFUSED CLIENTS' }, { title: 'REFUSED', right: true }],
    refused.clients.slice(0, LISTED).map(({ client, refused }) => [client, count(refused)]),
  );

/** One look at the gateway, as lines: the most wanted first, for windows that do not have room for all of it. */
export function blockOf(sample: Sample, nowMs: number): readonly Line[] {
  const { status, nodes, rates, traffic } = sample;
  const { node, version, uptimeSeconds, liveNodes, redis } = status;
  const head: Line = [
    span(node, 'strong'),
    span(`  gateway ${version}  up ${duration(uptimeSeconds)}  nodes ${liveNodes}  redis ${redis.state}  `),
    span(new Date(nowMs).toISOString(), 'faint'),
  ];
  const parts: (readonly Line[])[] = [
    [head, [verdictSpan(status)]],
    trafficLines(traffic, rates),
    breakerTable(status.breakers),
    ...(rates === undefined || rates.routes.length === 0 ? [] : [routeLines(rates)]),
    ...(sample.refused.clients.length === 0 ? [] : [clientLines(sample)]),
    threadTable(status),
    nodeTable(nodes, nowMs),
  ];
  return parts.flatMap((part, i) => (i === 0 ? part : [[], ...part]));
}
