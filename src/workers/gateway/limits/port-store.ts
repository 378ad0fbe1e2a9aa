import type { MessagePort } from 'node:worker_threads';
import type { FromMemoryStore, ToMemoryStore } from '../../../shared/limits/port-protocol.ts';
import type { Lane } from '../../../shared/limits/rule.ts';
import type { LimitStore, StoreSink, Want } from '../../../shared/limits/store.ts';
import type { Deadlines, Flight } from './deadlines.ts';

interface PortFlight extends Flight {
  readonly wants: readonly Want[];
  readonly sink: StoreSink;
}

/** The front's memory store, asked over a MessagePort: one message per flush. */
export class PortStore implements LimitStore {
  available = true;
  readonly #port: MessagePort;
  readonly #deadlines: Deadlines;
  readonly #laneNumbers = new Map<Lane, number>();
  readonly #flights = new Map<number, PortFlight>();
  #lastId = 0;

  constructor(port: MessagePort, deadlines: Deadlines) {
    this.#port = port;
    this.#deadlines = deadlines;
    port.on('message', (reply: FromMemoryStore) => this.#onReply(reply));
    port.on('close', () => this.#onClose());
    port.unref();
  }

  take(wants: readonly Want[], deadlineMs: number, sink: StoreSink): void {
    const id = ++this.#lastId;
    const flight: PortFlight = { wants, sink, deadlineMs, ended: false, expire: () => this.#end(id, 'timeout') };
    this.#flights.set(id, flight);
    if (!this.available) {
      this.#end(id, 'closed');
      return;
    }
    const clients: string[] = [];
    const asked: number[] = [];
    for (const want of wants) {
      clients.push(want.client);
      asked.push(this.#numberOf(want.lane), want.units);
    }
    this.#post({ type: 'take', id, clients, asked });
    this.#deadlines.add(flight);
  }

  close(): void {
    this.#port.close();
    this.#onClose();
  }

  #numberOf(lane: Lane): number {
    let number = this.#laneNumbers.get(lane);
    if (number === undefined) {
      number = this.#laneNumbers.size;
      this.#laneNumbers.set(lane, number);
      this.#post({ type: 'lane', number, lane: { rules: lane.rules, cost: lane.cost } });
    }
    return number;
  }

  #post(message: ToMemoryStore): void {
    this.#port.postMessage(message);
  }

  #onReply(reply: FromMemoryStore): void {
    const flight = this.#flights.get(reply.id);
    if (flight === undefined) return; // answered after its deadline
    let at = 0;
    for (const want of flight.wants) {
      want.granted = reply.answers[at++] as number;
      for (let rule = 0; rule < want.lane.rules.length; rule++) want.left[rule] = reply.answers[at++] as number;
    }
    this.#end(reply.id, undefined);
  }

  #end(id: number, failure: string | undefined): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    this.#flights.delete(id);
    flight.ended = true;
    flight.sink.settled(flight.wants, failure);
  }

  #onClose(): void {
    this.available = false;
    for (const id of this.#flights.keys()) this.#end(id, 'closed');
  }
}
