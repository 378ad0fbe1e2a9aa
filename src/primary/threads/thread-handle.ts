import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Config } from '../../shared/config/types.ts';
import type { FromRequestThread, RequestThreadStart, ToRequestThread } from '../../shared/threads/protocol.ts';
import type { TlsMaterial } from '../../shared/tls/material.ts';
import { INITIAL } from './thread-health.ts';
import type { ThreadState } from './thread-health.ts';

/**
 * Room for the short-lived objects of many exchanges at once, so that they die young instead of being promoted. CPU per
 * request was the same from 1 to 64 MB (alternating runs), so this is for bursts, not for speed.
 */
const YOUNG_GENERATION_MB = 64;

/** The configuration that threads get, and its number: the first is 1. */
export interface ActiveConfig {
  readonly config: Config;
  readonly version: number;
  /** Set exactly when `config.server.tls` is. */
  readonly tls: TlsMaterial | undefined;
}

/** One request thread as the front keeps it. */
export interface ThreadHandle {
  readonly slot: number;
  readonly worker: Worker;
  readonly startedMs: number;
  state: ThreadState;
  /** uWS's handle of the thread's app, once it listens. */
  descriptor: unknown;
  /** Newest configuration it said it uses. */
  configVersion: number;
  /** Value of its heartbeat when last looked at; only a change means anything. */
  lastBeat: number;
  /** On the front's clock. */
  lastBeatMs: number;
  /** A failure was counted for it already: one thread fails once. */
  failed: boolean;
}

export interface ThreadListener {
  message(thread: ThreadHandle, message: FromRequestThread): void;
  /** Something escaped from the thread; `exit` follows. */
  error(thread: ThreadHandle, error: unknown): void;
  exit(thread: ThreadHandle, code: number): void;
}

/** What a request thread is started with to limit and to break circuits. */
export type ThreadControls = Pick<
  RequestThreadStart,
  'breaker' | 'memoryBuckets' | 'liveNodes' | 'limitOverrides' | 'clientsFull' | 'degraded'
>;

export interface ThreadPlace {
  readonly entry: URL;
  readonly slot: number;
  readonly active: ActiveConfig;
  readonly heartbeats: SharedArrayBuffer;
  readonly nowMs: number;
  readonly controls: ThreadControls &
    Pick<
      RequestThreadStart,
      | 'front'
      | 'health'
      | 'targetSets'
      | 'concurrency'
      | 'targetDrains'
      | 'splitWeights'
      | 'issuerKeys'
      | 'maintenance'
      | 'metrics'
      | 'metricRows'
      | 'logLevel'
    >;
}

/** Creates the thread; what it says comes through `handlers`. */
export function startThread(place: ThreadPlace, handlers: ThreadListener): ThreadHandle {
  const workerData: RequestThreadStart = {
    kind: 'request',
    slot: place.slot,
    config: place.active.config,
    configVersion: place.active.version,
    tls: place.active.tls,
    heartbeats: place.heartbeats,
    requestIdPrefix: randomBytes(6).toString('hex'),
    ...place.controls,
  };
  const worker = new Worker(place.entry, {
    workerData,
    name: `request-${place.slot}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const thread: ThreadHandle = {
    slot: place.slot,
    worker,
    startedMs: place.nowMs,
    state: INITIAL,
    descriptor: undefined,
    configVersion: place.active.version,
    lastBeat: 0,
    lastBeatMs: place.nowMs,
    failed: false,
  };
  worker.on('message', (message: FromRequestThread) => handlers.message(thread, message));
  worker.on('error', (error: unknown) => handlers.error(thread, error));
  worker.on('exit', (code) => handlers.exit(thread, code));
  return thread;
}

export const tell = (thread: ThreadHandle, message: ToRequestThread): void => thread.worker.postMessage(message);
