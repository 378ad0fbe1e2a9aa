import type { OverrideState, ThreadOverride } from '../../../shared/limits/overrides.ts';

/** What holds for a client by an operator's word. */
export interface ClientOverride {
  readonly state: OverrideState;
  /** Milliseconds until it ends. */
  readonly remainingMs: number;
}

/** The overrides as one thread knows them. While there are none a request pays for nothing but a look at `isEmpty`. */
export class Overrides {
  readonly #clock: () => number;
  #clients = new Map<string, { readonly state: OverrideState; readonly untilMs: number }>();

  /** @param clock createProcessClock(), whose time the front's messages have */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#clients.size === 0;
  }

  /** Takes the place of all before. */
  replace(overrides: readonly ThreadOverride[]): void {
    this.#clients = new Map(overrides.map(([client, state, untilMs]) => [client, { state, untilMs }]));
  }

  /**
   * What holds for a client at an address, each by its name: a ban of either comes before an exemption, and of two that
   * say the same the one that lasts longer counts.
   */
  find(client: string, address: string): ClientOverride | undefined {
    const ofClient = this.get(client);
    const ofAddress = address === client ? undefined : this.get(address);
    if (ofClient === undefined || ofAddress === undefined) return ofClient ?? ofAddress;
    if (ofClient.state !== ofAddress.state) return ofClient.state === 'BANNED' ? ofClient : ofAddress;
    return ofClient.remainingMs < ofAddress.remainingMs ? ofAddress : ofClient;
  }

  get(client: string): ClientOverride | undefined {
    const found = this.#clients.get(client);
    if (found === undefined) return undefined;
    const remainingMs = found.untilMs - this.#clock();
    if (remainingMs > 0) return { state: found.state, remainingMs };
    this.#clients.delete(client);
    return undefined;
  }
}
