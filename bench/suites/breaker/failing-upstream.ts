import type { Session } from '../../shared/session.ts';
import { ToldUpstream } from '../../shared/told-upstream.ts';
import type { AnswerMode, Call, FromUpstream, ToUpstream } from './protocol.ts';

export const WELL: AnswerMode = { status: 200, delayMs: 0 };
/** The delay is what lets probes that are under way at once be seen as such. */
export const FAILING: AnswerMode = { status: 500, delayMs: 5 };
export const BACK: AnswerMode = { status: 200, delayMs: 20 };

/** The upstream of this suite: it can be told to fail, killed and started again on its port. */
export class FailingUpstream extends ToldUpstream<ToUpstream, FromUpstream> {
  constructor(session: Session) {
    super(session, 'upstream', new URL('./upstream.js', import.meta.url));
  }

  /** Where it was before, if it was. @returns when it could be reached, in ms since the epoch */
  async start({ status, delayMs }: AnswerMode): Promise<number> {
    return (await this.startWith(`${status}`, `${delayMs}`)).atMs;
  }

  /** SIGKILL. @returns when, in ms since the epoch */
  kill(): number {
    this.process?.child.kill('SIGKILL');
    return Date.now();
  }

  /** @returns from when on, in ms since the epoch */
  async answerWith(mode: AnswerMode): Promise<number> {
    const answer = await this.ask({ type: 'answer', mode });
    return answer.type === 'answer' ? answer.atMs : Number.NaN;
  }

  /** Every call since this was last asked, or since it was started. */
  async calls(): Promise<readonly Call[]> {
    const answer = await this.ask({ type: 'tell' });
    return answer.type === 'tell' ? answer.calls : [];
  }
}
