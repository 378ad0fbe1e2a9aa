import {
  ROUTE,
  SOCKET_CLOSE_CODES,
  SOCKET_DIRECTIONS,
  SOCKET_ENDERS,
  socketClosedColumn,
} from '../../shared/metrics/layout.ts';
import type { BlockSums, NamedRow } from './block-sums.ts';
import { counter, gauge } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';

/** Routes that have had a WebSocket. */
export const socketRows = (sums: BlockSums): readonly NamedRow[] =>
  sums.rows('route').filter(({ start }) => sums.at(start + ROUTE.socketsOpened) > 0);

/** WebSockets, of routes that have had one. */
export function websocketMetrics(sums: BlockSums): MetricDefinition[] {
  const routes = (): readonly NamedRow[] => socketRows(sums);
  const perRoute = (column: number) => (): Sample[] =>
    routes().map(({ name, start }) => ({ labels: { route: name }, value: sums.at(start + column) }));
  const perDirection = (column: number) => (): Sample[] =>
    routes().flatMap(({ name, start }) =>
      SOCKET_DIRECTIONS.map((direction, i) => ({
        labels: { route: name, direction },
        value: sums.at(start + column + i),
      })),
    );
  return [
    gauge('websocket_connections_open', 'WebSockets that are open.', perRoute(ROUTE.socketsOpen)),
    counter(
      'websocket_connections_opened_total',
      'WebSockets whose handshake was good.',
      perRoute(ROUTE.socketsOpened),
    ),
    counter('websocket_messages_total', 'Messages of WebSockets passed on.', perDirection(ROUTE.socketMessages)),
    counter(
      'websocket_message_bytes_total',
      'Payload bytes of these messages, as sent (compressed).',
      perDirection(ROUTE.socketMessageBytes),
    ),
    counter(
      'websocket_messages_refused_total',
      'Messages that were not let pass, of either side.',
      perRoute(ROUTE.socketMessagesRefused),
    ),
    counter(
      'websocket_closed_total',
      'WebSockets that are over, by who ended them and with what code; 1005: a close frame without one, 1006: without a close frame.',
      () =>
        routes().flatMap(({ name, start }) =>
          SOCKET_ENDERS.flatMap((by) =>
            SOCKET_CLOSE_CODES.flatMap((code) => {
              const value = sums.at(start + socketClosedColumn(by, code));
              return value > 0 ? [{ labels: { route: name, by, code }, value }] : [];
            }),
          ),
        ),
    ),
  ];
}
