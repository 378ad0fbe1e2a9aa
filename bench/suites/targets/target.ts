import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, whenReady } from '../../shared/processes.ts';
import type { Started } from '../../shared/processes.ts';
import type { Session } from '../../shared/session.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import type { Behaviour, FromTarget, ToTarget } from './protocol.ts';

/** One of the targets of a drill: it can be told how to behave, killed and started again on its port, and frozen. */
export class Target implements Upstream {
  readonly host = '127.0.0.1';
  readonly #session: Session;
  #process: Started | undefined;
  #port = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  get port(): number {
    return this.#port;
  }

  get process(): Started | undefined {
    return this.#process;
  }

  /** Where it was before, if it was. Resolves when it can be reached. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const entry = fileURLToPath(new URL('./target-child.js', import.meta.url));
    const command = [process.execPath, entry, String(this.#port)] as const;
    const { processes, cores } = this.#session;
    const started = processes.start({ name: 'target', command, ipc: true }, cores.upstream);
    let ready: true | undefined;
    started.child.once('message', () => (ready = true));
    await whenReady(started, () => ready);
    this.#process = started;
  }

  /** @returns how many requests were under way when it heard of it. @throws Error when it has ended */
  async behave(behaviour: Behaviour): Promise<number> {
    const started = this.#process;
    if (started === undefined) throw new Error('the target was never started');
    const answer = once(started.child, 'message') as Promise<[FromTarget]>;
    started.child.send({ behaviour } satisfies ToTarget);
    const told = await Promise.race([answer, started.exited]);
    if (told === undefined || told[0].type !== 'behaves') throw started.failure('does not listen');
    return told[0].underWay;
  }

  /** SIGSTOP: the kernel goes on accepting connections for it, and nobody ever answers on them. */
  freeze(): void {
    this.#process?.child.kill('SIGSTOP');
  }

  /** SIGKILL, which also ends one that is frozen. */
  async kill(): Promise<void> {
    this.#process?.child.kill('SIGKILL');
    await this.#process?.exited;
  }
}
