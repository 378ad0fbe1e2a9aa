import type { Session } from '../../shared/session.ts';
import { ToldUpstream } from '../../shared/told-upstream.ts';
import type { Behaviour, FromTarget, ToTarget } from './protocol.ts';

/** One of the targets of a drill: it can be told how to behave, killed and started again on its port, and frozen. */
export class Target extends ToldUpstream<ToTarget, FromTarget> {
  constructor(session: Session) {
    super(session, 'target', new URL('./target-child.js', import.meta.url));
  }

  /** Where it was before, if it was. Resolves when it can be reached. */
  async start(): Promise<void> {
    await this.startWith();
  }

  /** @returns how many requests were under way when it heard of it. @throws Error when it has ended */
  async behave(behaviour: Behaviour): Promise<number> {
    const told = await this.ask({ behaviour });
    return told.type === 'behaves' ? told.underWay : 0;
  }

  /** SIGSTOP: the kernel goes on accepting connections for it, and nobody ever answers on them. */
  freeze(): void {
    this.process?.child.kill('SIGSTOP');
  }

  /** SIGKILL, which also ends one that is frozen. */
  async kill(): Promise<void> {
    this.process?.child.kill('SIGKILL');
    await this.process?.exited;
  }
}
