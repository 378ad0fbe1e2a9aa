import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { BreakerRule } from '../../src/shared/breaker/rule.ts';

/** Where `npm run build` puts the program; tests run what operators run. */
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

export interface ChildPlan {
  readonly name: string;
  readonly redisPort?: number | undefined;
  readonly threads: number;
  readonly rule: BreakerRule;
  readonly upstreamPort?: number;
}

export interface Counts {
  readonly passed: number;
  readonly refused: number;
  readonly succeeded: number;
  /** Machine's monotonic milliseconds. */
  readonly lastPassedMs: number;
}

type Order =
  | { readonly do: 'fail-until-refused' }
  | { readonly do: 'times'; readonly times: number; readonly outcome: number }
  | { readonly do: 'rate'; readonly times: number; readonly perSecond: number }
  /** Takes a probe and never ends it. */
  | { readonly do: 'hold' };

/** A node in a process of its own, with real threads. */
export class ChildNode implements Disposable {
  readonly process: ChildProcess;
  readonly transitions: { readonly to: string; readonly atMs: number }[] = [];
  state = 'CLOSED';
  scope = 'node';
  #answers = new Map<number, (counts: Counts) => void>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.process = child;
    child.on('message', (message: Record<string, unknown>) => {
      if (typeof message['transition'] === 'string') {
        this.state = message['transition'];
        this.transitions.push({ to: this.state, atMs: Number(message['atMs']) });
      }
      if (typeof message['scope'] === 'string') this.scope = message['scope'];
      if (typeof message['id'] === 'number') this.#answers.get(message['id'])?.(message as unknown as Counts);
    });
  }

  static async start(plan: ChildPlan): Promise<ChildNode> {
    const child = fork(resolve(import.meta.dirname, 'node.mjs'), [JSON.stringify({ ...plan, dist: DIST })], {
      execArgv: [],
    });
    const node = new ChildNode(child);
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the node ended with ${String(code)}`);
    });
    ended.catch(() => {}); // after the start nobody waits for it
    await Promise.race([once(child, 'message'), ended]);
    return node;
  }

  order(thread: number, order: Order): Promise<Counts> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((done) => {
      this.#answers.set(id, done);
      this.process.send({ id, thread, ...order });
    });
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  [Symbol.dispose](): void {
    this.kill();
  }
}
