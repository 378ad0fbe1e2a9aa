import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../../shared/clock.ts';
import { createLog } from '../../shared/log.ts';
import type {
  FromRequestThread,
  RequestThreadStart,
  ToRequestThread,
  ToThreadItself,
} from '../../shared/threads/protocol.ts';
import { openFront } from './fronts/open-front.ts';
import { RequestThread, TICK_MS } from './request-thread.ts';

const port = parentPort;
if (port === null) throw new Error('workers/gateway/main is a worker thread, started by the front');
const start = workerData as RequestThreadStart;
const log = createLog({ level: start.logLevel, name: `request-${start.slot}` });
const say = (message: FromRequestThread): void => port.postMessage(message);
const openRedisStore =
  start.config.redis === undefined ? undefined : (await import('./limits/open-redis-store.ts')).openRedisStore;
const thread = new RequestThread(start, { log, post: say, openRedisStore });

const front = await openFront({ start, thread, post: say });
thread.front = front;

const ticking = setInterval(() => thread.tick(), TICK_MS);
let closing = false;

/**
 * The only safe end of a thread with a uWS app: close the front, let go of everything else that keeps the loop alive, and
 * let it run out. A socket that was handed over and not adopted yet still comes, is answered, and holds the thread that
 * much longer; process.exit() at that moment would abort the whole process.
 */
function close(): void {
  if (closing) return;
  closing = true;
  const aborted = thread.abort();
  front.close();
  ticking.unref(); // a socket that still comes has its time-outs and is seen by the front
  thread.beat();
  thread.breaker.close();
  // Tokens that were taken ahead go back before the connections to the store are closed.
  void thread.limits.close().finally(() => {
    say({ to: 'threads', type: 'closed', aborted });
    log.letGo();
    port?.close();
  });
}

/** How long a thread without connections waits for Redis before it takes some. */
const STORE_WITHIN_MS = 300;
/** How often a drain looks whether its last connection has gone. */
const DRAIN_CHECK_MS = 50;
/** How long kept-alive connections without a request are left open for a next request, once nothing is in flight. */
const DRAIN_LINGER_MS = 1_000;

function drain(deadlineMs: number): void {
  thread.draining = true;
  const deadline = setTimeout(close, deadlineMs);
  let quietSinceMs = -1;
  const check = setInterval(() => {
    const nowMs = monotonicMs();
    if (thread.inFlight > 0) quietSinceMs = -1;
    else if (quietSinceMs < 0) quietSinceMs = nowMs;
    const settled = front.finish();
    const quiet = settled && quietSinceMs >= 0 && nowMs - quietSinceMs >= DRAIN_LINGER_MS;
    if (!quiet && (!settled || thread.inFlight > 0 || front.open > 0)) return;
    clearInterval(check);
    clearTimeout(deadline);
    close();
  }, DRAIN_CHECK_MS);
}

function receive(message: ToThreadItself): void {
  switch (message.type) {
    case 'config':
      log.level = message.config.logLevel;
      front.configure(message.config, message.tls);
      thread.apply(
        message.config,
        { breaker: message.breakerPlaces, health: message.healthPlaces },
        message.metricRows,
      );
      say({ to: 'threads', type: 'config-applied', version: message.version });
      return;
    case 'lame-duck':
      thread.draining = true;
      return;
    case 'drain':
      drain(message.deadlineMs);
      return;
    case 'abort':
      close();
      return;
    case 'log-level':
      log.level = message.level;
      return;
    case 'degraded':
      thread.degraded = message.reasons;
      return;
    default:
      message satisfies never;
  }
}

port.on('message', (message: ToRequestThread) => {
  switch (message.to) {
    case 'thread':
      receive(message);
      return;
    case 'front':
      front.receive(message);
      return;
    case 'limits':
      thread.limits.receive(message);
      return;
    case 'breaker':
      thread.breaker.receive(message);
      return;
    case 'upstreams':
      thread.names.receive(message);
      return;
    default:
      message satisfies never;
  }
});

/** A fault outside any exchange: what this thread holds may be inconsistent, so it finishes what it has and goes. */
function onThreadFault(error: unknown): void {
  log.error({ err: error }, 'request thread failed; it is replaced');
  thread.draining = true;
  say({ to: 'threads', type: 'failed', reason: error instanceof Error ? error.message : String(error) });
}
process.on('uncaughtException', onThreadFault);
process.on('unhandledRejection', onThreadFault);

thread.tick();
await thread.limits.storeAsked(STORE_WITHIN_MS);
if (!closing) say({ to: 'threads', type: 'listening', descriptor: front.descriptor });
