import type { Log } from '../../../shared/log.ts';

/** A change that was asked for, and what came of it. */
export interface AuditEntry {
  /** As whom it was let in; `refused`: it was not. */
  readonly who: 'token' | 'page' | 'loopback' | 'remote' | 'refused';
  readonly remoteAddress: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** `undefined`: no such operation. */
  readonly operation: string | undefined;
  /** `undefined`: the work is about to begin, and a second line follows when it is done. */
  readonly status: number | undefined;
  /** As it was parsed; bodies that were not, or that hold a secret (`secretBody`), are not shown. */
  readonly body?: unknown;
  /** What else the operation wants to be known. */
  readonly audited?: Readonly<Record<string, unknown>> | undefined;
}

const LONGEST_TEXT = 200;
/** Lines about refused changes in a second; whoever has no access must not be able to fill the log. */
const REFUSED_PER_SECOND = 10;

const shorten = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value;

/** One log line for each change through the admin port, two for one that takes long. */
export class Audit {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #nowMs: () => number;
  #second = 0;
  #refused = 0;
  #untold = 0;

  /** @param nowMs a clock that only goes forward */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    if (log.level === 'silent') return; // a log that is to say nothing
    // With a level of its own, so that whoever turns the log down leaves a line. Set apart: as an option of child() pino
    // leaves a level out that is the parent's at that moment.
    const own = log.child({});
    own.level = 'info';
    this.#log = own;
  }

  record(entry: AuditEntry): void {
    const refused = entry.who === 'refused';
    if (refused && !this.#mayTell()) return;
    const { who, remoteAddress, method, path, operation, status, body, audited } = entry;
    const untold = this.#untold;
    if (refused) this.#untold = 0;
    this.#log[refused ? 'warn' : 'info'](
      {
        audit: true,
        who,
        remote_address: remoteAddress,
        method,
        path: shorten('', path),
        operation,
        status,
        ...audited,
        ...(body === undefined ? {} : { body: JSON.parse(JSON.stringify(body, shorten)) as unknown }),
        ...(refused && untold > 0 ? { not_logged_before: untold } : {}),
      },
      status === undefined ? 'admin change begins' : 'admin change',
    );
  }

  #mayTell(): boolean {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#refused = 0;
    }
    if (++this.#refused <= REFUSED_PER_SECOND) return true;
    this.#untold++;
    return false;
  }
}
