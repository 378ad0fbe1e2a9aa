import { monotonicMs } from '../../../../shared/clock.ts';
import type { Log } from '../../../../shared/log.ts';
import { RefusalLog } from '../refusal-log.ts';

/** Tells the operator why certificates of clients are refused: some only see a connection that closes. */
export class RefusedCertificates {
  readonly #log: RefusalLog;

  constructor(log: Pick<Log, 'warn'>, clock: () => number = monotonicMs) {
    this.#log = new RefusalLog(log, clock);
  }

  /** @param reason one of a few @param latest what tells the client apart */
  note(reason: string, latest: Readonly<Record<string, string>>): void {
    this.#log.note(reason, { fields: latest, text: `certificates of clients are refused: ${reason}` });
  }
}
