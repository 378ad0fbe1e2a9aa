import { Chain } from './chain.ts';
import { Share } from './share.ts';
import type { Sharer } from './share.ts';

/** Who a client is, and for whom the rule does not hold. */
export interface FairClients {
  /** `false`: first come, first served, whoever it is. */
  readonly fair: boolean;
  nameOf(address: string, limitClient: string): string;
  isExempt(address: string, limitClient: string): boolean;
}

/** Whose connections are shared. */
export interface FairLineOwner {
  readonly clients: FairClients;
  /** Every call that has a connection: asked for when counting by client begins and ends. */
  forEachHeld(visit: (one: Sharer) => void): void;
}

/**
 * Who gets a target's next connection (docs/fair-shares.md). While there are plenty it is first come, first served, and
 * nobody's share is known: a call that takes a connection costs one addition and two comparisons. When fewer than an
 * eighth are left, or as many wait as there are connections, the calls are counted by client, until it is quiet again.
 * Then a client below a quarter of the connections may always take one, and those who wait come in turn, client by
 * client. One above a quarter takes one only while nobody below it waits and an eighth is left.
 */
export class FairLine<Each extends Sharer> {
  /** How many wait. */
  size = 0;
  /** Connections that calls have. */
  held = 0;
  /** Calls are counted by client. */
  active = false;
  readonly #owner: FairLineOwner;
  readonly #connections: number;
  /** Nobody above a quarter takes more while so many are in use. */
  readonly #mark: number;
  readonly #quarter: number;
  /** All that wait, while nobody's share is known. */
  readonly #everybody = new Share('', true);
  readonly #shares = new Map<string, Share>();
  /** Those who wait; the next in turn comes first. */
  readonly #turn = new Chain<Share>();

  /** @param connections that may be used at once */
  constructor(owner: FairLineOwner, connections: number) {
    this.#owner = owner;
    this.#connections = connections;
    this.#mark = connections - Math.floor(connections / 8);
    this.#quarter = Math.max(1, Math.floor(connections / 4));
  }

  /** How many connections are worth having: nobody who waits could use the last eighth while there is one client only. */
  get mostConnections(): number {
    return this.active && this.#shares.size < 2 ? this.#mark : this.#connections;
  }

  /** Who gets the next connection; `undefined` = nobody may, or nobody waits. */
  get first(): Each | undefined {
    return (this.active ? this.#next()?.line.first : this.#everybody.line.first) as Each | undefined;
  }

  push(one: Each): void {
    if (!this.active && this.size >= this.#mark) this.#begin();
    this.#push(one);
    this.size++;
  }

  /** Takes who gets the next connection. */
  shift(): Each | undefined {
    const { first } = this;
    if (first !== undefined) this.#take(first);
    return first;
  }

  /** Takes somebody, whether or not a connection may be had: for a target that cannot be reached. */
  shiftAny(): Each | undefined {
    const one = this.first ?? (this.#turn.first?.line.first as Each | undefined);
    if (one !== undefined) this.#take(one);
    return one;
  }

  /** @returns whether it waited here */
  remove(one: Each): boolean {
    if (one.waitsIn === undefined) return false;
    this.#take(one);
    return true;
  }

  /** It has a connection now. */
  hold(one: Sharer): void {
    one.holds = true;
    this.held++;
    if (this.active) this.#count(one);
    else if (this.held >= this.#mark) this.#begin();
  }

  /** It has none any more, or is counted elsewhere. */
  release(one: Sharer): void {
    if (!one.holds) return;
    one.holds = false;
    this.held--;
    const share = one.heldIn;
    if (share === undefined) return;
    one.heldIn = undefined;
    share.held--;
    this.#forget(share);
  }

  /** Whether who comes now may take a free connection, or have one opened. */
  mayStart(one: Sharer): boolean {
    if (!this.active) return true;
    const share = this.#shares.get(this.#nameOf(one));
    if (share !== undefined && share.line.size > 0) return false; // those before it come first
    if (share === undefined || this.#isBelow(share)) return true;
    return this.held < this.#mark && !this.someBelowWait;
  }

  /** Somebody waits who has less than a quarter. */
  get someBelowWait(): boolean {
    const next = this.active ? this.#next() : undefined;
    return next !== undefined && this.#isBelow(next);
  }

  /** How many requests wait of clients that have less than a quarter. */
  get waitingBelow(): number {
    let count = 0;
    for (let share = this.#turn.first; share !== undefined; share = share.chainNext) {
      if (this.#isBelow(share)) count += share.line.size;
    }
    return count;
  }

  /** By how many connections its client is above a quarter; -1 where it is not, is exempt, or is alone. */
  excessOf(one: Sharer): number {
    const share = one.heldIn ?? one.waitsIn ?? this.#shares.get(this.#nameOf(one));
    if (!this.active || share === undefined || share.exempt || this.#shares.size < 2) return -1;
    return Math.max(-1, share.held - this.#quarter);
  }

  /**
   * The line is full: the last request of the client with the most in it, if that has more than the newcomer's, which
   * makes room by leaving.
   */
  crowder(newcomer: Sharer): Each | undefined {
    if (!this.active && this.#owner.clients.fair) this.#begin();
    const own = this.#shares.get(this.#nameOf(newcomer));
    let most: Share | undefined = undefined;
    let length = (own?.line.size ?? 0) + 1;
    for (let share = this.#turn.first; share !== undefined; share = share.chainNext) {
      if (share.exempt || share.line.size <= length) continue;
      length = share.line.size;
      most = share;
    }
    return most?.line.last as Each | undefined;
  }

  /** Who leaves where somebody has to for one that matters more: the last request of the client with the most in the line. */
  get lastOfMost(): Each | undefined {
    if (!this.active) return this.#everybody.line.last as Each | undefined;
    let most = this.#turn.first;
    for (let share = most; share !== undefined; share = share.chainNext) {
      if (share.line.size > (most as Share).line.size) most = share;
    }
    return most?.line.last as Each | undefined;
  }

  /** Its client has others in the line, and is not the only one there. */
  crowds(newcomer: Sharer): boolean {
    const own = this.#shares.get(this.#nameOf(newcomer));
    return own !== undefined && !own.exempt && own.line.size > 0 && this.#turn.size > 1;
  }

  /** Every tick: counting by client ends once nobody waits and half of the connections are free. */
  tick(): void {
    if (!this.active || this.size > 0 || this.held * 2 > this.#mark) return;
    this.active = false;
    this.#owner.forEachHeld((one) => (one.heldIn = undefined));
    this.#shares.clear();
  }

  #begin(): void {
    if (!this.#owner.clients.fair) return;
    this.active = true;
    this.#owner.forEachHeld((one) => {
      if (one.holds) this.#count(one);
    });
    const { line } = this.#everybody;
    for (let one = line.first; one !== undefined; one = line.first) {
      line.remove(one);
      this.#push(one);
    }
  }

  #count(one: Sharer): void {
    const share = this.#shareOf(one);
    one.heldIn = share;
    share.held++;
  }

  #push(one: Sharer): void {
    const share = this.active ? this.#shareOf(one) : this.#everybody;
    one.waitsIn = share;
    share.line.push(one);
    if (this.active && share.line.size === 1) this.#turn.push(share);
  }

  #take(one: Sharer): void {
    const share = one.waitsIn as Share;
    const wasFirst = share.line.first === one;
    share.line.remove(one);
    one.waitsIn = undefined;
    this.size--;
    if (share === this.#everybody) return;
    if (share.line.size === 0) {
      this.#turn.remove(share);
      this.#forget(share);
    } else if (wasFirst) {
      this.#turn.moveToEnd(share);
    }
  }

  /** Whose turn it is. At most a few are above a quarter, so this looks at few, whoever waits. */
  #next(): Share | undefined {
    const turn = this.#turn;
    for (let left = turn.size; left > 0; left--) {
      const share = turn.first as Share;
      if (this.#isBelow(share)) return share;
      turn.moveToEnd(share);
    }
    return this.held < this.#mark ? turn.first : undefined;
  }

  #isBelow(share: Share): boolean {
    return share.exempt || share.held < this.#quarter;
  }

  #nameOf({ address, limitClient }: Sharer): string {
    return this.#owner.clients.nameOf(address, limitClient);
  }

  #shareOf(one: Sharer): Share {
    const name = this.#nameOf(one);
    let share = this.#shares.get(name);
    if (share === undefined) {
      share = new Share(name, this.#owner.clients.isExempt(one.address, one.limitClient));
      this.#shares.set(name, share);
    }
    return share;
  }

  #forget(share: Share): void {
    if (share.held === 0 && share.line.size === 0) this.#shares.delete(share.name);
  }
}
