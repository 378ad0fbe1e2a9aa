import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from './cpu-time.ts';

const STOP_MS = 10_000;
/** So long also where the machine is as busy as can be. */
const READY_MS = 60_000;
/** Characters of each stream; errors show the end of it. */
const KEPT_OUTPUT = 256 * 1024;
const SHOWN_OUTPUT = 4000;

export interface ProcessSpec {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly ipc?: boolean;
}

/** Where a program lies: PATH, then the sbin folders that Debian leaves out of a plain user's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** From what `-v`, or another argument, prints, such as "HAProxy version 2.6.12-1" or "nginx version: nginx/1.22.1". */
export function versionOf(program: string, argument = '-v'): string {
  const { stdout, stderr } = spawnSync(program, [argument], { encoding: 'utf8' });
  return /\d+\.\d+[\w.+~-]*/.exec(stdout + stderr)?.[0] ?? 'unknown version';
}

/** Everything the bench has started, so that nothing outlives it. */
export class Processes {
  readonly #running = new Set<Started>();

  /** Starts a program, on one core only where `core` is given. */
  start(spec: ProcessSpec, core?: number): Started {
    const [program, ...args] = core === undefined ? spec.command : ['taskset', '-c', String(core), ...spec.command];
    const child = spawn(program ?? '', args, {
      env: spec.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.ipc === true ? (['ipc'] as const) : [])],
    });
    const started = new Started(spec.name, child);
    this.#running.add(started);
    child.once('close', () => this.#running.delete(started));
    return started;
  }

  /** Stops all that still run, and waits for them. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((started) => started.stop()));
  }

  /** Kills every process tree at once, without waiting: for the way out. */
  killAll(): void {
    for (const started of this.#running) started.kill();
  }
}

/** One started program and the last of what it printed. */
export class Started {
  readonly name: string;
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  stdout = '';
  stderr = '';
  #ended = false;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.child = child;
    child.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.stdout = (this.stdout + text).slice(-KEPT_OUTPUT)));
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-KEPT_OUTPUT)));
    this.exited = new Promise((resolve) => {
      child.once('close', () => {
        this.#ended = true;
        resolve();
      });
      child.once('error', (error) => {
        this.#ended = true;
        this.stderr += error.message;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What happened, for an error message. */
  failure(what: string): Error {
    const { exitCode, signalCode } = this.child;
    const end = this.#ended ? ` (exit ${signalCode ?? exitCode ?? 'never started'})` : '';
    return new Error(
      `${this.name}: ${what}${end}\n${this.stderr.slice(-SHOWN_OUTPUT)}${this.stdout.slice(-SHOWN_OUTPUT)}`.trimEnd(),
    );
  }

  /** SIGTERM, then SIGKILL for those that do not listen. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.child.kill('SIGTERM');
    const patience = setTimeout(() => this.kill(), STOP_MS);
    await this.exited;
    clearTimeout(patience);
  }

  kill(): void {
    if (this.pid === 0 || this.#ended) return;
    for (const pid of processTree(this.pid)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // ended meanwhile
      }
    }
  }
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Returns when `ready` gives a value, asked every 20 ms.
 * @throws Error when the program ends first or a minute has passed
 */
export async function whenReady<T>(started: Started, ready: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    const value = await ready();
    if (value !== undefined) return value;
    if (started.ended) throw started.failure('ended while starting');
    await delay(20);
  }
  throw started.failure(`not ready after ${READY_MS / 1000} s`);
}

/** The port itself when something accepts connections there. */
export async function accepts(port: number): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return port;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
