import { BOUNDS, seconds, wholeNumber } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import { limitSchema } from '../limits/yaml.ts';
import { oneOf } from '../parsers.ts';
import { ON_MESSAGE_REFUSED } from '../words.ts';
import { listOf, section } from '../yaml-fields.ts';
import { ORIGIN_PHRASE, parseOrigin } from './origin.ts';

/** What a route has that says nothing else. */
export const WEBSOCKET_DEFAULTS = {
  idle_seconds: 300,
  max_seconds: 0,
  ping_seconds: 30,
  on_message_refused: 'close',
} as const;

export const websocketSchema = section({
  max_message_bytes: wholeNumber(BOUNDS.messageBytes)
    .optional()
    .describe(
      'Largest message, all its fragments, as sent (compressed); a larger one ends the WebSocket with 1009. Default ' +
        'WEBSOCKET_MAX_MESSAGE_BYTES.',
    ),
  idle_seconds: seconds(BOUNDS.secondsOrNone, 'never')
    .optional()
    .describe(
      'Without any frame of either side it ends after this, 0 = never; pings of ours do not count. Default 300.',
    ),
  max_seconds: seconds(BOUNDS.secondsOrNone, 'never').optional().describe('It ends after this, 0 = never; default 0.'),
  ping_seconds: seconds(BOUNDS.secondsOrNone, 'never')
    .optional()
    .describe(
      'A side of which nothing came for so long is pinged by the gateway, and cut after twice as long; 0 = never. Default 30.',
    ),
  origins: listOf(textLike(parseOrigin, ORIGIN_PHRASE), 'a list of one or more origins')
    .optional()
    .describe('The Origin of a handshake must be one of these, else 403; default any, or none.'),
  message_limits: listOf(limitSchema.describe('One limit.'), 'a list of one or more limits')
    .optional()
    .describe(
      'Token buckets of each client, as in limits of the route; each message from the client takes a token from every ' +
        "one. The route's on_store_failure, shadow and lease hold for them too; without a lease a tenth of the capacity " +
        'is taken ahead, at most 100. Default: messages are not limited.',
    ),
  on_message_refused: oneOf(ON_MESSAGE_REFUSED)
    .optional()
    .describe(
      'close ends the WebSocket with 1008; pause reads no further until there are tokens, so that the client has to ' +
        'wait. Default close.',
    ),
});

/** The keys of a route about WebSockets. */
export const ROUTE_WEBSOCKET_FIELDS = {
  websocket: websocketSchema
    .optional()
    .describe('WebSockets pass on this route ({} takes every default); absent: Upgrade is ignored. FRONT=native only.'),
} as const;
