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
import { QuietWatch } from './quiet-watch.ts';
import { answerProfile } from './answer-profile.ts';
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
let outOfRing = false;
let watching: NodeJS.Timeout | undefined;
let deadline: NodeJS.Timeout | undefined;
let closing = false;

/**
 * The only safe end of a thread with a uWS app: close the front, let go of everything else that keeps the loop alive, and
 * let it run out. A socket that was handed over and not adopted yet still comes, is answered, and holds the thread that
 * much longer; process.exit() at that moment would abort the whole process.
 */
function close(): void {
  if (closing) return;
  closing = true;
  clearInterval(watching);
  clearTimeout(deadline);
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

/** From now on answers say that their connection closes, and the thread ends once it is out of the ring and done. */
function announceEnd(): void {
  thread.draining = true;
  if (watching !== undefined) return;
  const quiet = new QuietWatch(thread, monotonicMs());
  const isDone = (): boolean => {
    const isQuiet = quiet.isQuiet(monotonicMs());
    if (!outOfRing || !front.finish() || thread.inFlight > 0 || thread.websockets.open > 0) return false;
    return front.open === 0 || (isQuiet && front.isResting());
  };
  watching = setInterval(() => {
    if (!isDone()) return;
    // Right after a turn in which everything that had arrived was read: it would be lost.
    setImmediate(() => {
      if (isDone()) close();
    });
  }, DRAIN_CHECK_MS);
}

function drain(deadlineMs: number): void {
  announceEnd();
  outOfRing = true;
  thread.websockets.drain(deadlineMs);
  deadline = setTimeout(close, deadlineMs);
}

function receive(message: ToThreadItself): void {
  switch (message.type) {
    case 'config':
      log.level = message.config.logLevel;
      front.configure(message.config, message.tls);
      thread.apply(
        message.config,
        {
          breaker: message.breakerPlaces,
          health: message.healthPlaces,
          targetSets: message.targetSets,
          concurrency: message.concurrencyRows,
        },
        message.metricRows,
      );
      say({ to: 'threads', type: 'config-applied', version: message.version });
      return;
    case 'lame-duck':
      announceEnd();
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
    case 'profile':
      void answerProfile(message);
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
      if (message.type === 'limit-overrides') thread.websockets.onOverridesChanged();
      return;
    case 'breaker':
      thread.breaker.receive(message);
      return;
    case 'upstreams':
      thread.onUpstreams(message);
      return;
    case 'identity':
      thread.tokens.receive(message);
      return;
    case 'keys':
      thread.storedKeys.receive(message);
      if (message.type === 'forget-keys') thread.websockets.onKeysChanged(message.hashes);
      return;
    case 'maintenance':
      thread.maintenance.replace(message.entries);
      say({ to: 'maintenance', type: 'maintenance-done', id: message.id });
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
