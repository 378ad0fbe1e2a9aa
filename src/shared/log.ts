import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { monotonicMs } from './clock.ts';
import type { LogLevel } from './config/types.ts';
import { LONGEST_LINE, shortLine } from './short-line.ts';

/** Bytes of lines that may wait for a slow reader of stdout; above it lines are dropped, the gateway never waits. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const STDOUT = 1;
const STDERR = 2;
const CLOSE_WITHIN_MS = 200;

export interface Log extends Logger {
  /**
   * What still waits holds the thread no longer than 200 ms more. For the end of a thread, whose loop runs out when all is
   * written; what is logged after it is written if it can be at once.
   */
  letGo(): void;
  /**
   * Writes what still waits. For the last moment of a process: gives a reader that does not read 200 ms, then resolves all
   * the same, and says on stderr what was lost. What is logged after the call is not written.
   */
  close(): Promise<void>;
}

/**
 * A pipe, opened once more: so a write to one that is full comes back instead of holding a thread of libuv, for which the
 * end of the process would wait for ever. Everything else, and where it may not be opened, stays as it is.
 */
function withoutWaiting(descriptor: number): number {
  try {
    if (!fstatSync(descriptor).isFIFO()) return descriptor;
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return descriptor;
  }
}

/** To stderr, unless that is full as well. */
function sayOnStderr(text: string): void {
  const descriptor = withoutWaiting(STDERR);
  try {
    writeSync(descriptor, text);
  } catch {
    // Nobody is left to tell.
  }
  if (descriptor !== STDERR) closeSync(descriptor);
}

/**
 * JSON lines on stdout. Each thread makes its own: all write to the same pipe, whole lines of less than 4 KiB in writes of
 * no more than that, which reach a pipe whole (POSIX, PIPE_BUF), so lines of different threads never mix.
 *
 * @param opts.name who speaks, such as `front` or `thread-3`
 */
export function createLog(opts: { readonly level: LogLevel; readonly name: string }): Log {
  let givenBytes = 0;
  let takenBytes = 0;
  let dropped = 0;
  let saidDropped = 0;
  let why = 'nobody reads it';
  /** Until then a full pipe is tried again. */
  let triedUntilMs = Number.POSITIVE_INFINITY;
  const destination = pino.destination({
    dest: withoutWaiting(STDOUT),
    sync: false,
    maxLength: MAX_WAITING_BYTES,
    maxWrite: LONGEST_LINE,
    retryEAGAIN: () => monotonicMs() < triedUntilMs,
  });
  // A reader that went away (EPIPE), or a disk that is full, must not end the gateway.
  destination.on('error', (error: Error) => (why = error.message));
  destination.on('drop', (line: string) => {
    dropped++;
    takenBytes += Buffer.byteLength(line);
  });
  destination.on('write', (bytes: number) => {
    takenBytes += bytes;
    if (dropped === saidDropped) return;
    const count = dropped - saidDropped;
    saidDropped = dropped;
    logger.warn({ count }, 'log lines dropped: they are not read as fast as they come');
  });
  const logger = pino(
    {
      level: opts.level,
      base: { pid: process.pid, name: opts.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      // As a word: people and the runbook grep for "level":"error".
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        streamWrite(line) {
          const short = shortLine(line);
          if (isClosed) return short;
          givenBytes += Buffer.byteLength(short);
          return short;
        },
      },
    },
    destination,
  );
  let isClosed = false;
  const write = destination.write.bind(destination);
  // Threads still speak while the process ends, and what they say is logged: sonic-boom would throw then.
  destination.write = (line: string) => isClosed || write(line);
  // pino calls it when the process exits. sonic-boom tries for ever there on a disk that is full; `close` was before it.
  destination.flushSync = () => {};
  const letGo = (): void => {
    triedUntilMs = monotonicMs() + CLOSE_WITHIN_MS;
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        triedUntilMs = 0;
        const lostBytes = givenBytes - takenBytes;
        if (lostBytes > 0 || dropped > saidDropped) {
          const lines = dropped === saidDropped ? '' : ` and ${dropped - saidDropped} lines before them`;
          sayOnStderr(`gateway: the last ${lostBytes} bytes${lines} of the log (${opts.name}) are lost: ${why}\n`);
        }
        resolve();
      };
      const timer = setTimeout(end, CLOSE_WITHIN_MS);
      destination.once('close', end);
      destination.end();
      isClosed = true;
    });
  return Object.assign(logger, { letGo, close });
}
