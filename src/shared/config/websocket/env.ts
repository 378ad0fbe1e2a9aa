import { withDefault } from '../env-variable.ts';
import { BOUNDS, wholeNumberText } from '../numbers.ts';
import { onOff } from '../parsers.ts';

/** Variables of WebSockets. */
export const WEBSOCKET_ENV = {
  WEBSOCKET: withDefault(
    onOff,
    'on',
    'WebSockets pass on /proxy, the route that is there without a YAML; routes of the YAML have websocket instead. ' +
      'FRONT=native only: the other answers 501.',
  ),
  WEBSOCKET_MAX_MESSAGE_BYTES: withDefault(
    wholeNumberText(BOUNDS.messageBytes),
    '1048576',
    'Largest message of a WebSocket, as sent (compressed); a larger one ends it with 1009.',
  ),
  WEBSOCKET_MAX_CONNECTIONS: withDefault(
    wholeNumberText(BOUNDS.count),
    '10000',
    'Open WebSockets of the process; above it 503. Each has a connection of its own to its upstream.',
  ),
} as const;
