/** How often it is looked at. */
const LOOK_EVERY_MS = 1_000;
/** That there is room again is said only when so much of it is free: else each end of one would be news. */
const FREE_SHARE = 0.1;

export interface WebSocketRoomOptions {
  /** Of the process, handshakes included. */
  readonly open: () => number;
  /** WEBSOCKET_MAX_CONNECTIONS. */
  readonly most: () => number;
  readonly onChange: (isFull: boolean, most: number) => void;
}

/** Says when no more WebSockets can be opened, and when some can again. */
export class WebSocketRoom {
  readonly #options: WebSocketRoomOptions;
  readonly #timer: NodeJS.Timeout;
  #isFull = false;

  constructor(options: WebSocketRoomOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  look(): void {
    const most = this.#options.most();
    const open = this.#options.open();
    const isFull = open >= most || (this.#isFull && open > most * (1 - FREE_SHARE));
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.onChange(isFull, most);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
