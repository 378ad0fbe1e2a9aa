import type { HeartbeatReader } from './heartbeat-reader.ts';
import type { ThreadHandle } from './thread-handle.ts';

/** A request thread as the admin port and the log show it. */
export interface ThreadStatus {
  readonly slot: number;
  readonly state: string;
  readonly configVersion: number;
  readonly inFlight: number;
  readonly openConnections: number;
  /** Open ones and handshakes. */
  readonly webSockets: number;
  /** Of its requests so many of a hundred are refused, because it is late. */
  readonly shedPercent: number;
  readonly lastBeatMsAgo: number;
}

export function threadStatus(thread: ThreadHandle, heartbeats: HeartbeatReader, nowMs: number): ThreadStatus {
  const { slot, state, configVersion, lastBeatMs } = thread;
  return {
    slot,
    state: state.kind,
    configVersion,
    inFlight: heartbeats.read(slot, 'inFlight'),
    openConnections: heartbeats.read(slot, 'openConnections'),
    webSockets: heartbeats.read(slot, 'webSockets'),
    shedPercent: heartbeats.read(slot, 'shedPercent'),
    lastBeatMsAgo: Math.round(nowMs - lastBeatMs),
  };
}
