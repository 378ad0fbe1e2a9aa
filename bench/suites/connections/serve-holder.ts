import { goWithParent } from '../../shared/go-with-parent.ts';
import type { HolderReport, ToHolder } from './messages.ts';

/** So few at a time that what is measured later is memory of what is held and not of a burst. */
const AT_ONCE = 32;

/** What a holder holds; each promise is of the failure, or `undefined`. */
export interface Held {
  /** Resolves when it stands. */
  open(): Promise<string | undefined>;
  /** Whether it still answers. */
  sample(): Promise<string | undefined>;
  close(): Promise<void>;
  isOpen(): boolean;
}

/**
 * Obeys the parent's orders, in a process of its own that goes when the parent goes.
 * @param next makes one more; `index` = how many there were
 */
export function serveHolder(next: (index: number) => Held): void {
  const held: Held[] = [];
  const openNext = async (): Promise<string | undefined> => {
    const one = next(held.length);
    held.push(one);
    return one.open();
  };
  const report = (asked: number, failures: readonly string[]): HolderReport => {
    const open = held.filter((one) => one.isOpen()).length;
    return { answered: asked - failures.length, failed: failures.length, open, failure: failures[0] };
  };
  /** `ask` for each index below `count`, `AT_ONCE` at a time. */
  const askAll = async (count: number, ask: (index: number) => Promise<string | undefined>): Promise<HolderReport> => {
    const failures: string[] = [];
    let asked = 0;
    const lane = async (): Promise<void> => {
      while (asked < count) {
        const failure = await ask(asked++);
        if (failure !== undefined) failures.push(failure);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return report(count, failures);
  };
  const obey = async (order: ToHolder): Promise<HolderReport> => {
    switch (order.type) {
      case 'open':
        return await askAll(order.count, openNext);
      case 'sample':
        return await askAll(order.count, async (i) => {
          const one = held[Math.floor((i * held.length) / order.count)];
          return one === undefined ? 'nothing is held' : await one.sample();
        });
      case 'close':
        await Promise.all(held.map((one) => one.close()));
        return report(0, []);
      default:
        return order satisfies never;
    }
  };
  const answer = async (order: ToHolder): Promise<void> => void process.send?.(await obey(order));
  process.on('message', (order: ToHolder) => void answer(order));
  goWithParent();
}
