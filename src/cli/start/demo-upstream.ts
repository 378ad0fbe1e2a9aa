import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { entryUrl } from '../../shared/threads/worker-url.ts';
import type { SupervisorLog } from './supervisor.ts';

export interface DemoUpstreamOptions {
  readonly port: number;
  readonly log: SupervisorLog;
  /** The program; default: src/demo. Another one in tests. */
  readonly entry?: URL;
}

export interface DemoUpstream {
  /** Ends it and resolves when it is gone. May be called more than once. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const RESTART_MS = 1_000;
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Runs the demo upstream beside the gateway until it is closed. Whatever answers on its port already (such as another
 * gateway's demo upstream) is used as it is.
 */
export function startDemoUpstream(options: DemoUpstreamOptions): DemoUpstream {
  const demo = new Demo(options);
  void demo.start();
  return demo;
}

class Demo implements DemoUpstream {
  readonly #options: DemoUpstreamOptions;
  readonly #origin: string;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DemoUpstreamOptions) {
    this.#options = options;
    this.#origin = `http://${HOST}:${options.port}`;
  }

  async start(): Promise<void> {
    const taken = await somethingAnswers(this.#origin);
    if (this.#closed) return;
    if (taken) {
      this.#options.log.info(
        { origin: this.#origin },
        `no upstream is configured, and something answers on ${this.#origin} already: using it as the demo upstream; ` +
          'set UPSTREAM_URL to use your own',
      );
      return;
    }
    const { promise, resolve } = gate();
    this.#gone = promise;
    this.#child = this.#spawn(resolve);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#child?.kill('SIGTERM');
    await this.#gone;
  }

  #spawn(whenGone: () => void): ChildProcess {
    const { entry = entryUrl('demo/main'), port, log } = this.#options;
    const child = spawn(process.execPath, [fileURLToPath(entry)], {
      env: { PORT: String(port), HOST },
      // It leaves when the channel closes, so also when this process is killed.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true, // Ctrl-C must not take it away from exchanges that are still to finish
    });
    child.once('message', () => {
      log.info(
        { origin: this.#origin, pid: child.pid },
        `no upstream is configured: started the demo upstream on ${this.#origin}; set UPSTREAM_URL to use your own`,
      );
    });
    const ended = (fields: object): void => {
      whenGone();
      this.#child = undefined;
      if (this.#closed) return;
      log.warn(fields, `the demo upstream has ended: starting another in ${RESTART_MS} ms`);
      this.#retry = setTimeout(() => void this.start(), RESTART_MS);
    };
    child.once('exit', (code, signal) => ended({ code, signal }));
    child.once('error', (error) => {
      if (child.pid === undefined) ended({ err: error });
    });
    return child;
  }
}

/** Whether an HTTP server of any kind is there. */
async function somethingAnswers(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false; // nothing, or no HTTP: then starting the demo upstream says what is wrong
  }
}

function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
