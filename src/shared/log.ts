import { pino } from 'pino';
import type { Logger } from 'pino';
import type { LogLevel } from './config/types.ts';

/** Bytes of lines that may wait for a slow reader of stdout; above it lines are dropped, the gateway never waits. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const STDOUT = 1;
const CLOSE_WITHIN_MS = 200;

export interface Log extends Logger {
  /** Writes what still waits before it returns. Never throws. */
  flushNow(): void;
  /**
   * Writes what still waits; nothing may be logged afterwards. For the last moment of a process: gives a reader that does
   * not read 200 ms, then resolves all the same.
   */
  close(): Promise<void>;
}

/**
 * JSON lines on stdout. Each thread makes its own: all write to the same descriptor, and a line below 4 KB reaches a
 * pipe whole (POSIX, PIPE_BUF), so lines of different threads never mix.
 *
 * @param opts.name who speaks, such as `front` or `thread-3`
 */
export function createLog(opts: { readonly level: LogLevel; readonly name: string }): Log {
  const destination = pino.destination({ dest: STDOUT, sync: false, maxLength: MAX_WAITING_BYTES });
  // A reader that went away (EPIPE) must not end the gateway.
  destination.on('error', () => {});
  const logger = pino(
    {
      level: opts.level,
      base: { pid: process.pid, name: opts.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      // As a word: people and the runbook grep for "level":"error".
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const flushNow = (): void => {
    try {
      destination.flushSync();
    } catch {
      // Nobody is left to tell.
    }
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
      destination.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      destination.end();
    });
  return Object.assign(logger, { flushNow, close });
}
