import type { FromUpstreamThread, ToUpstreamThread } from '../../shared/upstreams/messages.ts';
import type { NameCache } from '../names/name-cache.ts';

export interface UpstreamControlOptions {
  readonly names: Pick<NameCache, 'ask'>;
  readonly send: (slot: number, message: ToUpstreamThread) => void;
}

/** The front's part of upstreams: it looks up their names for all threads. */
export class UpstreamControl {
  readonly #options: UpstreamControlOptions;

  constructor(options: UpstreamControlOptions) {
    this.#options = options;
  }

  /** From the thread in this slot. */
  receive(slot: number, { name }: FromUpstreamThread): void {
    const { names, send } = this.#options;
    names.ask(name, (answer) => {
      if (answer.kind !== 'found') return send(slot, { type: 'unresolved', name, code: answer.code });
      const { addresses, freshMs } = answer;
      return send(slot, { type: 'resolved', name, addresses, freshMs });
    });
  }
}
