import type { Socket } from 'node:net';

export interface PlacesOptions {
  /** A clock that only goes forward. */
  readonly nowMs: () => number;
  /** Connections in all. */
  readonly most: number;
  /** Of them so many are for who knows the token. */
  readonly forToken: number;
  /** A connection must have sent the header of its first request by then. */
  readonly firstRequestWithinMs: number;
  /** Who has had a place for this long with one request may be asked to leave when there is no other. */
  readonly busyForMs: number;
}

/** What a connection does: it has sent no request yet, one is under way, its answer is held back, or it has had its answer. */
type Doing = 'silent' | 'busy' | 'held' | 'idle';

interface Place {
  doing: Doing;
  sinceMs: number;
  knowsToken: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Connections of the admin port. However many say nothing, say it slowly, or read nothing, whoever asks something is
 * heard: the oldest of those makes room. The last places are for who knows the token.
 */
export class Places {
  readonly #options: PlacesOptions;
  /** In the order in which they came. */
  readonly #places = new Map<Socket, Place>();

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** A new connection takes a place, or is closed. */
  opened(socket: Socket): void {
    const { most, firstRequestWithinMs } = this.#options;
    if (this.#places.size >= most) {
      const victim = this.#victim();
      if (victim === undefined) return void socket.destroy();
      this.#leave(victim);
    }
    // After a stall of the process the timer comes before what was sent meanwhile is read: it is given the turn to be.
    const late = (): void => void setImmediate(() => this.#leaveIfSilent(socket));
    const timer = setTimeout(late, firstRequestWithinMs).unref();
    this.#places.set(socket, { doing: 'silent', sinceMs: this.#options.nowMs(), knowsToken: false, timer });
    socket.once('close', () => this.#forget(socket));
  }

  /** A request has come. @returns whether it may be answered; else it is one too many */
  begins(socket: Socket, knowsToken: boolean): boolean {
    const place = this.#places.get(socket);
    if (place === undefined) return false;
    clearTimeout(place.timer);
    place.timer = undefined;
    place.doing = 'busy';
    place.sinceMs = this.#options.nowMs();
    place.knowsToken ||= knowsToken;
    if (place.knowsToken || this.#withoutToken() <= this.#options.most - this.#options.forToken) return true;
    const victim = this.#victim({ butNot: socket, withoutToken: true });
    if (victim !== undefined) this.#leave(victim);
    return victim !== undefined;
  }

  /** Its answer is kept back for a while. */
  holds(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.doing = 'held';
  }

  /** It has had its answer. */
  ends(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.doing = 'idle';
  }

  #withoutToken(): number {
    let count = 0;
    for (const { doing, knowsToken } of this.#places.values()) if (doing !== 'silent' && !knowsToken) count++;
    return count;
  }

  /** Who makes room: the oldest that says nothing or waits for a refusal, that has its answer, that takes long. */
  #victim({ butNot, withoutToken = false }: { butNot?: Socket; withoutToken?: boolean } = {}): Socket | undefined {
    const longAgoMs = this.#options.nowMs() - this.#options.busyForMs;
    const ranks: readonly ((place: Place) => boolean)[] = [
      ({ doing }) => (doing === 'silent' && !withoutToken) || doing === 'held',
      ({ doing, knowsToken }) => doing === 'idle' && !knowsToken,
      ({ doing, knowsToken, sinceMs }) => doing === 'busy' && !knowsToken && sinceMs <= longAgoMs,
      ({ doing }) => doing === 'idle' && !withoutToken,
    ];
    for (const fits of ranks) {
      for (const [socket, place] of this.#places) if (socket !== butNot && fits(place)) return socket;
    }
    return undefined;
  }

  #leaveIfSilent(socket: Socket): void {
    if (this.#places.get(socket)?.doing === 'silent') this.#leave(socket);
  }

  #leave(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#places.get(socket)?.timer);
    this.#places.delete(socket);
  }
}
