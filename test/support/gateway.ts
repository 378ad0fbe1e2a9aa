import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { FrontKind } from '../../src/shared/config/types.ts';
import { alarm, PATIENCE_MS } from './wait.ts';

/** Where `npm run build` puts the program; tests run what operators run. */
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
/** What a test can choose: a front, or the native one where Node's own handles cannot be had. */
export type TestFront = FrontKind | 'public';

/** The front of every gateway whose test does not choose one; unset: the gateway's own default. */
const TEST_FRONT = process.env['GATEWAY_TEST_FRONT'];

export interface GatewayOptions {
  /** Environment variables of the gateway; ports default to 0, threads to 1. */
  readonly env?: Readonly<Record<string, string>>;
  /** Contents of GATEWAY_CONFIG. */
  readonly yaml?: string;
  /** `front`: the front process alone (default); `supervised`: `gateway start` with its supervising parent. */
  readonly as?: 'front' | 'supervised';
  /** What serves the client port (FRONT); default: GATEWAY_TEST_FRONT, else the gateway's own default. */
  readonly front?: TestFront;
  /** A socket that is bound or listens already, passed on as systemd does (LISTEN_FDS); the test keeps its own descriptor. */
  readonly inherited?: number;
  /** Its limit of open files (`ulimit -n`); default: that of the test. */
  readonly openFiles?: number;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A gateway that runs for real, as a process of its own. */
export interface Gateway extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly port: number;
  readonly adminPort: number;
  readonly url: string;
  readonly adminUrl: string;
  /** Its own: what a command needs to find the token it made. */
  readonly stateDir: string;
  /** The header that lets a change in; none where the test gave it a token. */
  readonly bearer: Readonly<Record<string, string>>;
  /** Every JSON line it has logged so far. */
  readonly log: LogLine[];
  /** What it wrote to stderr. */
  readonly stderr: () => string;
  /** The first line, past or future, that the predicate takes; fails after `timeoutMs` of served time (wait.ts). */
  waitForLog(takes: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  writeYaml(yaml: string): void;
  /** Sends the signal and resolves with the exit code (or the signal's name). */
  stop(signal?: NodeJS.Signals): Promise<number | string | null>;
}

function settingsOf(front: string | undefined): Readonly<Record<string, string>> {
  if (front === undefined) return {};
  return front === 'public' ? { FRONT: 'native', GATEWAY_TEST_NO_HANDLES: 'on' } : { FRONT: front };
}

function bearerOf(stateDir: string, adminPort: number): Readonly<Record<string, string>> {
  const file = join(stateDir, `admin-token-${adminPort}`);
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {};
}

/** Starts a gateway and resolves when it has logged that it is ready. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  const yamlFile = join(folder, 'gateway.yaml');
  if (options.yaml !== undefined) writeFileSync(yamlFile, options.yaml);
  const supervised = options.as === 'supervised';
  const front = options.front ?? TEST_FRONT;
  const args = supervised ? [join(DIST, 'src/cli/main.js'), 'start'] : [join(DIST, 'src/primary/main.js')];
  const { openFiles, inherited } = options;
  const before = [
    ...(openFiles === undefined ? [] : [`ulimit -n ${openFiles}`]),
    ...(inherited === undefined ? [] : ['export LISTEN_FDS=1 LISTEN_PID=$$']),
  ];
  const shell = ['-c', [...before, 'exec "$0" "$@"'].join('; '), process.execPath, ...args];
  const [command, its] = before.length === 0 ? [process.execPath, args] : ['sh', shell];
  const child = spawn(command, its, {
    stdio: ['ignore', 'pipe', 'pipe', ...(inherited === undefined ? [] : [inherited])],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '1',
      STATE_DIR: folder,
      CONFIG_WATCH: 'off', // a test reloads when it says so
      ...(supervised ? {} : { GATEWAY_SUPERVISE: 'off' }),
      ...settingsOf(front),
      ...(options.yaml === undefined ? {} : { GATEWAY_CONFIG: yamlFile }),
      ...options.env,
    },
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const log: LogLine[] = [];
  let stderr = '';
  let checkWaiters = (): void => undefined;
  const waiters = new Set<() => void>();
  checkWaiters = () => {
    for (const each of waiters) each();
  };
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      log.push(JSON.parse(line) as LogLine);
    } catch {
      log.push({ msg: line, notJson: true });
    }
    checkWaiters();
  });
  child.once('exit', () => checkWaiters());

  const waitForLog = (takes: (line: LogLine) => boolean, timeoutMs = PATIENCE_MS): Promise<LogLine> =>
    new Promise((found, failed) => {
      const over = (error: Error): void => {
        waiters.delete(look);
        putOff();
        failed(new Error(`${error.message}\nlog: ${log.map((line) => JSON.stringify(line)).join('\n')}\n${stderr}`));
      };
      const look = (): void => {
        const line = log.find(takes);
        if (line !== undefined) {
          waiters.delete(look);
          putOff();
          found(line);
        } else if (child.exitCode !== null) {
          over(new Error(`the gateway exited with ${child.exitCode} before it logged that`));
        }
      };
      const putOff = alarm(timeoutMs, () => over(new Error(`not logged within ${timeoutMs} ms`)));
      waiters.add(look);
      look();
    });

  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    return child.exitCode ?? child.signalCode;
  };
  const dispose = async (): Promise<void> => {
    // SIGTERM first, so that a supervising parent takes its children along.
    const putOff = alarm(8_000, () => void child.kill('SIGKILL'));
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      child.kill('SIGINT');
      await gone;
    }
    putOff();
    rmSync(folder, { recursive: true, force: true });
  };
  let ready: LogLine;
  try {
    ready = await waitForLog((line) => line['msg'] === 'gateway ready');
  } catch (error) {
    await dispose();
    throw error;
  }
  const port = Number(ready['port']);
  const adminPort = Number(ready['adminPort']);
  return {
    process: child,
    port,
    adminPort,
    url: `http://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    stateDir: folder,
    bearer: bearerOf(folder, adminPort),
    log,
    stderr: () => stderr,
    waitForLog,
    writeYaml: (yaml) => writeFileSync(yamlFile, yaml),
    stop,
    [Symbol.asyncDispose]: dispose,
  };
}
