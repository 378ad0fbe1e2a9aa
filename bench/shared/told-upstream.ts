import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, whenReady } from './processes.ts';
import type { Started } from './processes.ts';
import type { Session } from './session.ts';
import type { Upstream } from './upstream-process.ts';

/** What is common to all that such a child says: `ready` once, then one answer for each message. */
interface Said {
  readonly type: string;
}

/** An upstream of a suite's own, in a child process that can be told things, killed and started again on its port. */
export class ToldUpstream<Question extends object, Answer extends Said> implements Upstream {
  readonly host = '127.0.0.1';
  readonly #session: Session;
  readonly #entry: URL;
  readonly #name: string;
  #process: Started | undefined;
  #port = 0;

  /** @param entry the child's compiled program; its first argument is the port */
  constructor(session: Session, name: string, entry: URL) {
    this.#session = session;
    this.#name = name;
    this.#entry = entry;
  }

  get port(): number {
    return this.#port;
  }

  get process(): Started | undefined {
    return this.#process;
  }

  /** Where it was before, if it was. Resolves with its word that it can be reached. */
  protected async startWith(...args: readonly string[]): Promise<Extract<Answer, { type: 'ready' }>> {
    // uWS makes a port it is told reusable, and none that the kernel chose: that one could not come back.
    if (this.#port === 0) this.#port = await freePort();
    const command = [process.execPath, fileURLToPath(this.#entry), String(this.#port), ...args] as const;
    const { processes, cores } = this.#session;
    const started = processes.start({ name: this.#name, command, ipc: true }, cores.upstream);
    let ready: Extract<Answer, { type: 'ready' }> | undefined;
    started.child.on('message', (message: Answer) => {
      if (message.type === 'ready') ready = message as Extract<Answer, { type: 'ready' }>;
    });
    const seen = await whenReady(started, () => ready);
    this.#process = started;
    return seen;
  }

  /** One question at a time. @throws Error when it has ended, or was never started */
  protected async ask(question: Question): Promise<Answer> {
    const started = this.#process;
    if (started === undefined) throw new Error(`${this.#name}: never started`);
    const answer = once(started.child, 'message') as Promise<[Answer]>;
    started.child.send(question);
    const told = await Promise.race([answer, started.exited]);
    if (told === undefined) throw started.failure('ended');
    return told[0];
  }
}
