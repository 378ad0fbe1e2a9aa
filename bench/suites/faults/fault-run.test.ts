import { describe, expect, it } from 'vitest';
import { changesAround, storeChanges } from './fault-run.ts';

const moments = { beganMs: 1000.4, overMs: 4000.2 };
const alone = (atMs: number) => ({ atMs, shared: false });
const shared = (atMs: number) => ({ atMs, shared: true });

describe('changesAround', () => {
  it('tells when it went alone and when it was back for good', () => {
    const changes = [alone(10), shared(20), alone(1012), shared(1500), alone(1510), shared(4300)];
    const seen = changesAround(changes, moments);
    expect(seen.aloneAfterMs).toBeCloseTo(11.6);
    expect(seen.sharedAfterMs).toBeCloseTo(299.8);
  });

  it('knows one that never went alone from one that never came back', () => {
    expect(changesAround([alone(10), shared(20)], moments)).toEqual({ aloneAfterMs: undefined, sharedAfterMs: 0 });
    expect(changesAround([alone(1012)], moments).sharedAfterMs).toBeUndefined();
  });

  it('takes one that was back while the fault lasted as back at once', () => {
    expect(changesAround([alone(1012), shared(1200)], moments).sharedAfterMs).toBe(0);
  });
});

describe('storeChanges', () => {
  it('reads what the gateway logs', () => {
    const lines = [
      { atMs: 1, msg: 'gateway ready' },
      { atMs: 2, msg: 'rate limits: Redis is not asked; each route goes on as its on_store_failure says' },
      { atMs: 3, msg: 'rate limits: Redis answers, limits are shared again' },
    ];
    expect(storeChanges(lines)).toEqual([alone(2), shared(3)]);
  });
});
