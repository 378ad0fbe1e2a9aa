import { rmSync } from 'node:fs';
import { tokenFileOf } from '../../../shared/admin/token-file.ts';
import type { Log } from '../../../shared/log.ts';
import { keepToken } from './token-file.ts';

/** What a change through the admin port must know. */
export type AdminToken =
  /** ADMIN_TOKEN or ADMIN_TOKEN_FILE; reads from elsewhere need it too. */
  | { readonly kind: 'given'; readonly token: string }
  /** Made at the first start; who may read the file may change. */
  | { readonly kind: 'made'; readonly token: string; readonly path: string }
  /** There is none that anybody could know, so nobody changes anything. */
  | { readonly kind: 'none'; readonly reason: string };

export interface AdminTokenOptions {
  /** ADMIN_TOKEN of now. */
  readonly given: () => string | undefined;
  readonly stateDir: string | undefined;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

const ADVICE = 'mount a volume that it can write there, or set STATE_DIR, ADMIN_TOKEN or ADMIN_TOKEN_FILE';

/** The admin token: the one that was given, else one that is made when it is first needed and kept in STATE_DIR. */
export class AdminTokens {
  readonly #options: AdminTokenOptions;
  #port: number | undefined;
  #made: AdminToken | undefined;

  constructor(options: AdminTokenOptions) {
    this.#options = options;
  }

  /** Call when the admin port is open: having it is what says that no other gateway here has its file. */
  open(adminPort: number): void {
    this.#port = adminPort;
    this.current();
  }

  current(): AdminToken {
    const given = this.#options.given();
    if (given !== undefined) return { kind: 'given', token: given };
    if (this.#port === undefined) return { kind: 'none', reason: 'the gateway is starting' };
    this.#made ??= this.#make(this.#port);
    return this.#made;
  }

  /** Takes the file away, where no later start would look for it: its port was any free one. */
  forget(): void {
    if (this.#made?.kind === 'made') rmSync(this.#made.path, { force: true });
  }

  #make(port: number): AdminToken {
    const { stateDir, log } = this.#options;
    const path = stateDir === undefined ? undefined : tokenFileOf(stateDir, port);
    const kept =
      path === undefined
        ? { ok: false as const, reason: 'STATE_DIR is not set, and this user has no home folder' }
        : keepToken(path);
    if (!kept.ok) {
      const reason = `no admin token: ${kept.reason}; ${ADVICE}`;
      log.warn({ stateDir }, `changes through the admin port are refused, as there is ${reason}`);
      return { kind: 'none', reason };
    }
    if (kept.replaced !== undefined) {
      log.warn(
        { path, reason: kept.replaced },
        `the file of the admin token is not used (${kept.replaced}): another was made`,
      );
    } else if (kept.fresh) {
      log.info({ path }, 'an admin token was made; only this user can read its file');
    }
    return { kind: 'made', token: kept.token, path: path as string };
  }
}
