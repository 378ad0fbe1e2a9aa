import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FlightTimer } from './flight-timer.ts';
import type { Flight } from './flight-timer.ts';

/** Lets time pass, and the turn of the event loop that it ends in. */
const advance = (ms: number): Promise<void> => {
  vi.advanceTimersByTime(ms);
  return new Promise((resolve) => void setImmediate(resolve));
};

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** What the thread's own work adds to the time of the timers. */
  let busyMs = 0;
  const setUp = () => {
    const flights = new FlightTimer({ clock: () => performance.now() + busyMs });
    const expired: number[] = [];
    const add = (inMs: number): Flight => {
      const deadlineMs = performance.now() + inMs;
      const flight: Flight = { deadlineMs, ended: false, expire: () => expired.push(inMs) };
      flights.add(flight);
      return flight;
    };
    return { flights, expired, add };
  };

  test('each flight expires at its time, and one that ended does not', async () => {
    const { expired, add } = setUp();
    add(10);
    add(12).ended = true;
    add(15);
    await advance(9);
    expect(expired).toEqual([]);
    await advance(1);
    expect(expired).toEqual([10]);
    await advance(5);
    expect(expired).toEqual([10, 15]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('one timer serves many flights', async () => {
    const { add } = setUp();
    for (let i = 0; i < 100; i++) add(10).ended = true;
    expect(vi.getTimerCount()).toBe(1);
    await advance(20);
    expect(vi.getTimerCount()).toBe(0);
    add(10);
    expect(vi.getTimerCount()).toBe(1);
  });

  test('an answer that arrives in the turn in which the timer fires counts', async () => {
    const { expired, add } = setUp();
    const flight = add(10);
    setTimeout(() => {
      flight.ended = true; // what reading the socket does, after the timers of this turn
    }, 10);
    await advance(20);
    expect(expired).toEqual([]);
  });

  test('a deadline that passes while the sockets are read waits until they were read once more', async () => {
    const { expired, add } = setUp();
    add(10);
    add(12);
    vi.advanceTimersByTime(10);
    // Reading the sockets takes 5 ms of this turn: an answer that came meanwhile has not been looked for.
    const turn = new Promise((resolve) => void setImmediate(resolve));
    busyMs = 5;
    await turn;
    expect(expired).toEqual([10]);
    await advance(5);
    expect(expired).toEqual([10, 12]);
  });

  test('a flight added while another expires is served too', async () => {
    const { flights, expired, add } = setUp();
    flights.add({ deadlineMs: performance.now() + 5, ended: false, expire: () => void add(7) });
    await advance(5);
    await advance(7);
    expect(expired).toEqual([7]);
  });
});
