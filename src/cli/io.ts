import { readFileSync } from 'node:fs';
import { processEnv } from '../shared/config/environment.ts';
import { EXIT } from './exit-codes.ts';
import { harmlessLines } from './output/text.ts';

/** All that a command touches outside itself; tests pass their own. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as UTF-8; throws when it cannot. */
  readonly readFile: (path: string) => string;
  /** Writes one line to stdout. */
  readonly out: (line: string) => void;
  /** Writes one line to stderr. */
  readonly err: (line: string) => void;
  /** Stdout is a terminal whose user has not said NO_COLOR (no-color.org). */
  readonly colours: boolean;
}

export function processIo(): CliIo {
  const env = processEnv();
  endWithItsReader(process.stdout);
  return {
    env,
    readFile: (path) => readFileSync(path, 'utf8'),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    colours: process.stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
  };
}

/** The same, where nothing that is written can steer the terminal, wherever it came from. */
export const guarded = (io: CliIo): CliIo => ({
  ...io,
  out: (line) => io.out(harmlessLines(line, io.colours)),
  err: (line) => io.err(harmlessLines(line, false)),
});

/** `gateway events | head`: who reads no more is no error, and nothing is left to do. */
function endWithItsReader(stream: NodeJS.WriteStream): void {
  if (stream.listenerCount('error') > 0) return;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.unavailable);
  });
}
