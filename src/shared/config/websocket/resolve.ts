import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { WebSocketConfig } from '../types.ts';
import { WEBSOCKET_DEFAULTS } from './yaml.ts';
import type { WebSocketYaml } from './yaml.ts';

/** Values that have passed every check. */
export function resolveWebSocket(env: EnvValues, own: WebSocketYaml | undefined): WebSocketConfig | undefined {
  if (own === undefined) return undefined;
  return {
    maxMessageBytes: own.max_message_bytes ?? env.WEBSOCKET_MAX_MESSAGE_BYTES,
    idleMs: toMs(own.idle_seconds ?? WEBSOCKET_DEFAULTS.idle_seconds),
    maxMs: toMs(own.max_seconds ?? WEBSOCKET_DEFAULTS.max_seconds),
    pingMs: toMs(own.ping_seconds ?? WEBSOCKET_DEFAULTS.ping_seconds),
    origins: own.origins,
  };
}
