import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';

interface StoreReport {
  readonly log: Log;
  readonly events?: Pick<EventLog, 'add'>;
}

/** Whether the rate limits of this process ask Redis: `none` = there is none, or nothing is known of it yet. */
export interface StoreState {
  readonly state: 'none' | 'up' | 'down';
  /** Why it is not asked, in the words of one thread; '' otherwise. */
  readonly reason: string;
}

/** So many different reasons are told of one outage: where the password is another meanwhile, that is. */
const MOST_REASONS = 8;

/** @param before how it was: the same = only the reason is another */
export type StoreListener = (state: StoreState, before: StoreState['state']) => void;

/** Puts together what each request thread says of its own connection: down as long as any of them says so. */
export class LimitsStoreState {
  readonly #listener: StoreListener;
  /** By slot. */
  readonly #threads = new Map<number, StoreState>();
  #whole: StoreState = { state: 'none', reason: '' };

  /** Reasons told since it went down, without the times in them: a Redis that is too far takes another one each time. */
  readonly #told = new Set<string>();

  /**
   * @param listener called once per change between none, up and down, and while it is down for each reason that was not
   *   told yet, after the state has changed
   */
  constructor(listener: StoreListener) {
    this.#listener = listener;
  }

  state(): StoreState {
    return this.#whole;
  }

  /** The thread in this slot said how it is. */
  receive(slot: number, { up, reason }: { readonly up: boolean; readonly reason: string }): void {
    this.#threads.set(slot, up ? { state: 'up', reason: '' } : { state: 'down', reason });
    this.#look();
  }

  /** With the last thread gone nobody knows better, so what it said holds until another one speaks. */
  threadGone(slot: number): void {
    if (this.#threads.delete(slot) && this.#threads.size > 0) this.#look();
  }

  #look(): void {
    const before = this.#whole.state;
    const all = [...this.#threads.values()];
    this.#whole = all.find(({ state }) => state === 'down') ?? { state: 'up', reason: '' };
    const { state, reason } = this.#whole;
    const kind = reason.replace(/\d+(?= ms)/g, '');
    if (state !== before) this.#told.clear();
    else if (state !== 'down' || this.#told.has(kind) || this.#told.size >= MOST_REASONS) return;
    this.#told.add(kind);
    this.#listener(this.#whole, before);
  }
}

/** Says a change, once for all threads. */
export function reportStoreChange(to: StoreReport, { state, reason }: StoreState, before: StoreState['state']): void {
  if (state === 'none') return;
  if (state === before) {
    to.log.error({ reason }, 'rate limits: Redis is still not asked, for another reason');
    return;
  }
  const text =
    state === 'up'
      ? 'rate limits: Redis answers, limits are shared again'
      : 'rate limits: Redis is not asked; each route goes on as its on_store_failure says';
  if (state === 'up') to.log.info(text);
  else to.log.error({ reason }, text);
  to.events?.add('limits-store', text, { state, reason });
}
