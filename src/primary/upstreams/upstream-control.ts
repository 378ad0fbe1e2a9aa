import type { Log } from '../../shared/log.ts';
import type { FromUpstreamThread, ToUpstreamThread } from '../../shared/upstreams/messages.ts';
import type { NameCache } from '../names/name-cache.ts';
import { UnreachableTargets } from './unreachable-targets.ts';

export interface UpstreamControlOptions {
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly names: Pick<NameCache, 'ask'>;
  readonly send: (slot: number, message: ToUpstreamThread) => void;
}

/** The front's part of upstreams: it looks up their names for all threads, and knows which cannot be reached. */
export class UpstreamControl {
  readonly unreachable: UnreachableTargets;
  readonly #options: UpstreamControlOptions;

  constructor(options: UpstreamControlOptions) {
    this.#options = options;
    this.unreachable = new UnreachableTargets(options.log);
  }

  /** From the thread in this slot. */
  receive(slot: number, message: FromUpstreamThread): void {
    if (message.type !== 'resolve') return this.unreachable.receive(slot, message);
    const { names, send } = this.#options;
    const { name } = message;
    names.ask(name, (answer) => {
      if (answer.kind !== 'found') return send(slot, { type: 'unresolved', name, code: answer.code });
      const { addresses, freshMs } = answer;
      return send(slot, { type: 'resolved', name, addresses, freshMs });
    });
  }

  /** The thread in this slot has exited. */
  threadGone(slot: number): void {
    this.unreachable.threadGone(slot);
  }
}
