import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, whenReady } from '../../shared/processes.ts';
import type { Started } from '../../shared/processes.ts';
import type { Session } from '../../shared/session.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import type { AnswerMode, Call, FromUpstream, ToUpstream } from './protocol.ts';

export const WELL: AnswerMode = { status: 200, delayMs: 0 };
/** The delay is what lets probes that are under way at once be seen as such. */
export const FAILING: AnswerMode = { status: 500, delayMs: 5 };
export const BACK: AnswerMode = { status: 200, delayMs: 20 };

/** The upstream of this suite: it can be told to fail, killed and started again on its port. */
export class FailingUpstream implements Upstream {
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

  /** Where it was before, if it was. @returns when it could be reached, in ms since the epoch */
  async start({ status, delayMs }: AnswerMode): Promise<number> {
    // uWS makes a port it is told reusable, and none that the kernel chose: that one could not come back.
    if (this.#port === 0) this.#port = await freePort();
    const entry = fileURLToPath(new URL('./upstream.js', import.meta.url));
    const command = [process.execPath, entry, `${this.#port}`, `${status}`, `${delayMs}`] as const;
    const { processes, cores } = this.#session;
    const started = processes.start({ name: 'upstream', command, ipc: true }, cores.upstream);
    let ready: Extract<FromUpstream, { type: 'ready' }> | undefined;
    started.child.on('message', (message: FromUpstream) => {
      if (message.type === 'ready') ready = message;
    });
    const { atMs } = await whenReady(started, () => ready);
    this.#process = started;
    return atMs;
  }

  /** SIGKILL. @returns when, in ms since the epoch */
  kill(): number {
    this.#process?.child.kill('SIGKILL');
    return Date.now();
  }

  /** @returns from when on, in ms since the epoch */
  async answerWith(mode: AnswerMode): Promise<number> {
    const answer = await this.#ask({ type: 'answer', mode });
    return answer.type === 'answer' ? answer.atMs : Number.NaN;
  }

  /** Every call since this was last asked, or since it was started. */
  async calls(): Promise<readonly Call[]> {
    const answer = await this.#ask({ type: 'tell' });
    return answer.type === 'tell' ? answer.calls : [];
  }

  /** One question at a time. @throws Error when it has ended */
  async #ask(message: ToUpstream): Promise<FromUpstream> {
    const started = this.#process;
    if (started === undefined) throw new Error('the upstream was never started');
    const answer = once(started.child, 'message') as Promise<[FromUpstream]>;
    started.child.send(message);
    const told = await Promise.race([answer, started.exited]);
    if (told === undefined) throw started.failure('ended');
    return told[0];
  }
}
