import type { Log } from '../../shared/log.ts';
import type { FromUpstreamThread, ToUpstreamThread } from '../../shared/upstreams/messages.ts';
import type { NameCache } from '../names/name-cache.ts';
import type { EventLog } from '../events/event-log.ts';
import { Ejections } from './ejections.ts';
import { UnreachableTargets } from './unreachable-targets.ts';

export interface UpstreamControlOptions {
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly events: Pick<EventLog, 'add'>;
  /** A target was ejected, or is back. */
  readonly onEjection: () => void;
  readonly names: Pick<NameCache, 'ask'>;
  readonly send: (slot: number, message: ToUpstreamThread) => void;
}

/** The front's part of upstreams: it looks up their names for all threads, and knows which cannot be reached. */
export class UpstreamControl {
  readonly unreachable: UnreachableTargets;
  readonly ejections: Ejections;
  readonly #options: UpstreamControlOptions;

  constructor(options: UpstreamControlOptions) {
    this.#options = options;
    this.unreachable = new UnreachableTargets(options.log);
    const { log, events, onEjection } = options;
    this.ejections = new Ejections({ log, events, onChange: onEjection });
  }

  /** From the thread in this slot. */
  receive(slot: number, message: FromUpstreamThread): void {
    switch (message.type) {
      case 'resolve':
        return this.#resolve(slot, message.name);
      case 'unreachable':
      case 'reachable':
        return this.unreachable.receive(slot, message);
      case 'ejected':
      case 'returned':
        return this.ejections.receive(message);
      default:
        message satisfies never;
    }
  }

  #resolve(slot: number, name: string): void {
    const { names, send } = this.#options;
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
