import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processEnv } from '../../shared/config/environment.ts';
import { recordedLog } from './recorded-log.ts';
import type { LogLine } from './recorded-log.ts';
import { supervise } from './supervisor.ts';
import { untilPasses } from '../../../test/support/wait.ts';

/** What every front of these tests begins with: `note` appends a line to a file that the test reads. */
const PRELUDE = `const note = (line) => require('fs').appendFileSync(process.env.NOTES, line + '\\n');
  const starts = (require('fs').existsSync(process.env.NOTES) ? require('fs').readFileSync(process.env.NOTES, 'utf8') : '').split('start').length;
  note('start ' + process.pid);
  process.on('disconnect', () => process.exit()); // never outlives the tests
  `;
const SERVE = `process.send({ type: 'ready' }); setInterval(() => {}, 1000); note('serving');`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-supervise-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly signals: EventEmitter;
  readonly lines: LogLine[];
  readonly code: Promise<number>;
  readonly notes: () => string[];
}

interface RunOptions {
  readonly killAfterMs?: number;
  readonly inheritedSocket?: number;
}

function run(front: string, { killAfterMs = 10_000, inheritedSocket }: RunOptions = {}): Run {
  const signals = new EventEmitter();
  const { log, lines } = recordedLog();
  const file = join(folder, 'notes');
  const env = { ...processEnv(), NOTES: file };
  const code = supervise({ nodeArgs: ['-e', PRELUDE + front], env, killAfterMs, inheritedSocket, signals, log });
  return { signals, lines, code, notes: () => readFileSync(file, 'utf8').trim().split('\n') };
}

const serving = (front: Run): Promise<number> => untilPasses(() => expect(front.notes()).toContain('serving'));
const pidOf = (front: Run): number => Number(front.notes()[0]?.split(' ')[1]);

describe('the supervisor', () => {
  test.each([0, 64, 69, 78])(
    'ends with the code %i of a front that ends with it, and starts no other',
    async (code) => {
      const front = run(`process.exit(${code})`);
      expect(await front.code).toBe(code);
      expect(front.notes()).toHaveLength(1);
      expect(front.lines).toEqual([]);
    },
  );

  test.each([
    ['a signal', `process.kill(process.pid, 'SIGSEGV')`, { signal: 'SIGSEGV' }],
    ['an abort', `process.exit(134)`, { code: 134 }],
    ['an error', `process.exit(1)`, { code: 1 }],
  ])('starts another front at once after %s, and says why', async (_what, death, fields) => {
    const front = run(`if (starts === 1) { ${death} } else process.exit(0)`);
    expect(await front.code).toBe(0);
    expect(front.notes()).toHaveLength(2);
    expect(front.lines).toMatchObject([{ level: 'error', fields: { ...fields, delayMs: 0 } }]);
    expect(front.lines[0]?.message).toMatch(/^the front process .* after \d+\.\d s: starting another at once$/);
  });

  test('passes a socket on to every front as descriptor 3', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const inheritedSocket = (server as unknown as { _handle: { fd: number } })._handle.fd;
    const front = run(
      `note(require('fs').fstatSync(3).isSocket() ? 'socket' : 'none'); process.exit(starts === 1 ? 1 : 0)`,
      { inheritedSocket },
    );
    expect(await front.code).toBe(0);
    expect(front.notes().filter((line) => line === 'socket')).toHaveLength(2);
    server.close();
  });

  test('tries again when the port is still in use after a crash', async () => {
    const front = run(
      `if (starts === 1) process.kill(process.pid, 'SIGKILL'); else process.exit(starts === 2 ? 69 : 0)`,
    );
    expect(await front.code).toBe(0);
    expect(front.lines.map(({ fields }) => fields)).toMatchObject([{ signal: 'SIGKILL' }, { code: 69, delayMs: 250 }]);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('passes %s on and ends with the code of the front', async (signal) => {
    const front = run(`process.on('${signal}', () => { note('stopping'); process.exit(7); }); ${SERVE}`);
    await serving(front);
    front.signals.emit(signal);
    expect(await front.code).toBe(7);
    expect(front.notes().at(-1)).toBe('stopping');
  });

  test('passes SIGHUP on', async () => {
    const front = run(
      `process.on('SIGHUP', () => note('hup')); process.on('SIGTERM', () => process.exit(0)); ${SERVE}`,
    );
    await serving(front);
    front.signals.emit('SIGHUP');
    await untilPasses(() => expect(front.notes()).toContain('hup'));
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(0);
  });

  test('keeps SIGHUP for a front that does not listen yet', async () => {
    const front = run(
      `process.on('SIGTERM', () => process.exit(0));
       process.on('SIGUSR2', () => { process.on('SIGHUP', () => note('hup')); ${SERVE} });
       note('loading'); setInterval(() => {}, 1000);`,
    );
    await untilPasses(() => expect(front.notes()).toContain('loading'));
    front.signals.emit('SIGHUP');
    process.kill(pidOf(front), 'SIGUSR2');
    await untilPasses(() => expect(front.notes()).toContain('hup'));
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(0);
    expect(front.notes().filter((line) => line.startsWith('start'))).toHaveLength(1);
  });

  test('passes a second stop signal on, for the front to end at once', async () => {
    const front = run(
      `let n = 0; process.on('SIGTERM', () => { note('term'); if (++n === 2) process.exit(0); }); ${SERVE}`,
    );
    await serving(front);
    front.signals.emit('SIGTERM');
    await untilPasses(() => expect(front.notes()).toContain('term'));
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(0);
  });

  test('kills a front that does not stop in time', async () => {
    const front = run(`process.on('SIGTERM', () => note('deaf')); ${SERVE}`, { killAfterMs: 200 });
    await serving(front);
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(137);
    expect(front.lines).toMatchObject([{ level: 'warn', fields: { killAfterMs: 200 } }]);
  });

  test('starts no other front once it was asked to stop', async () => {
    const front = run(`process.on('SIGTERM', () => process.kill(process.pid, 'SIGSEGV')); ${SERVE}`);
    await serving(front);
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(139);
  });

  test('asked to stop between two fronts, ends with 0', async () => {
    const front = run(`process.exit(1)`);
    await untilPasses(() => expect(front.lines.at(-1)?.fields).toMatchObject({ delayMs: 500 }));
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(0);
    expect(front.notes()).toHaveLength(3);
  });

  test('gives the front a process group of its own, so that Ctrl-C reaches it once', async () => {
    const front = run(`process.on('SIGTERM', () => process.exit(0)); ${SERVE}`);
    await serving(front);
    expect(process.kill(-pidOf(front), 0)).toBe(true); // throws where no group has this number
    front.signals.emit('SIGTERM');
    expect(await front.code).toBe(0);
  });
});
