import type { ErrorCode } from '../../../shared/errors.ts';
import type { Connection } from '../upstream/connection.ts';
import { OwnLink } from '../upstream/own-connection.ts';
import type { OwnConnection } from '../upstream/own-connection.ts';
import type { Target } from '../upstream/target.ts';
import { UpstreamCall } from './upstream-call.ts';
import type { CallOwner } from './upstream-call.ts';

/** Of all handshakes under way. */
export interface HandshakeCount {
  handshaking: number;
}

export interface UpgradeOwner extends CallOwner {
  /** A 101 has come; the connection is a tunnel from now on, or closed by who hears this. */
  onSwitched(connection: OwnConnection): void;
}

/** A handshake of a WebSocket: a call on a connection of its own, which is no longer the upstream's pool's once it stands. */
export class UpgradeCall extends UpstreamCall {
  readonly #owner: UpgradeOwner;
  readonly #count: HandshakeCount;
  #counted = true;
  #link: OwnLink | undefined = undefined;

  constructor(owner: UpgradeOwner, count: HandshakeCount) {
    super(owner);
    this.#owner = owner;
    this.#count = count;
    count.handshaking++;
  }

  protected override acquire(target: Target): void {
    this.#link = new OwnLink(target, this);
  }

  protected override cancel(): void {
    this.#link?.cancel();
  }

  protected override get retries(): undefined {
    return undefined; // a handshake is made once
  }

  protected override hold(): void {} // it takes no place of the pool

  protected override deliver(connection: Connection): void {
    if (connection.parser.status === 101) this.#owner.onSwitched(connection as OwnConnection);
    else super.deliver(connection);
  }

  protected override get missing(): ErrorCode {
    return this.#link?.missing ?? 'upstream_connect_timeout';
  }

  override release(): void {
    if (this.#counted) this.#count.handshaking--;
    this.#counted = false;
    super.release();
  }
}
