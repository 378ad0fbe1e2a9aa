import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { compileRule } from './rule.ts';
import type { Lane, RuleSpec } from './rule.ts';
import type { LimitStore, Want } from './store.ts';

/** A store under test and the clock it lives by. */
export interface ContractSubject {
  readonly store: LimitStore;
  /** Milliseconds of the clock that deadlines are given in. */
  readonly clock: () => number;
  /** Removes the default bucket of a client, as an operator would. */
  reset(client: string): Promise<void>;
}

const DEADLINE_MS = 5_000;

export const laneOf = (cost: number, ...rules: readonly Partial<RuleSpec>[]): Lane => ({
  cost,
  rules: rules.map((rule) => compileRule({ name: '', capacity: 10, refillPerSecond: 0.001, ...rule })),
});

/** Asks for everything at once and returns the wants as the store left them; throws when the store failed. */
export function takeFrom(
  subject: Pick<ContractSubject, 'store' | 'clock'>,
  asked: readonly Pick<Want, 'client' | 'lane' | 'units' | 'charges' | 'unpaid'>[],
): Promise<Want[]> {
  const wants: Want[] = asked.map((want) => ({ ...want, granted: -1, left: [] }));
  return new Promise((resolve, reject) => {
    let open = wants.length;
    subject.store.take(wants, subject.clock() + DEADLINE_MS, {
      settled(part, failure) {
        open -= part.length;
        if (failure !== undefined) reject(new Error(failure));
        else if (open === 0) resolve(wants);
      },
      booked: () => {},
    });
  });
}

/** What every store does, whatever keeps the buckets. Rates are tiny, so that time plays no part unless it is meant to. */
export function storeContract(subject: () => ContractSubject): void {
  const charged = async (client: string, lane: Lane, asked: Pick<Want, 'units' | 'charges'>): Promise<Want> => {
    const [want] = await takeFrom(subject(), [{ client, lane, ...asked }]);
    if (want === undefined) throw new Error('nothing settled');
    return want;
  };
  const one = (client: string, lane: Lane, units: number): Promise<Want> => charged(client, lane, { units });
  const newClient = (): string => randomUUID();

  test('a new client has a full bucket, and a want of n gets what is there', async () => {
    const client = newClient();
    expect(await one(client, laneOf(1, {}), 7)).toMatchObject({ granted: 7 });
    const second = await one(client, laneOf(1, {}), 7);
    expect(second.granted).toBe(3);
    expect(second.left[0]).toBeCloseTo(0, 1);
    expect((await one(client, laneOf(1, {}), 1)).granted).toBe(0);
  });

  test('a refused request costs nothing, and a cheaper one may pass after it', async () => {
    const client = newClient();
    expect((await one(client, laneOf(4, {}), 3)).granted).toBe(2);
    expect((await one(client, laneOf(4, {}), 1)).granted).toBe(0);
    expect((await one(client, laneOf(1, {}), 5)).granted).toBe(2);
  });

  test('many clients in one batch do not touch each other', async () => {
    const lane = laneOf(1, {});
    const clients = Array.from({ length: 300 }, newClient);
    const first = await takeFrom(
      subject(),
      clients.map((client, i) => ({ client, lane, units: (i % 12) + 1 })),
    );
    expect(first.map((want) => want.granted)).toEqual(clients.map((_, i) => Math.min(10, (i % 12) + 1)));
    const rest = await takeFrom(
      subject(),
      clients.map((client) => ({ client, lane, units: 12 })),
    );
    expect(rest.map((want) => want.granted)).toEqual(clients.map((_, i) => 10 - Math.min(10, (i % 12) + 1)));
  });

  test('several rules: all must grant, and a refusal by one charges none', async () => {
    const client = newClient();
    const lane = laneOf(1, { capacity: 10 }, { name: 'daily', capacity: 4 });
    expect((await one(client, lane, 6)).granted).toBe(4);
    const refused = await one(client, lane, 1);
    expect(refused.granted).toBe(0);
    expect(refused.left[0]).toBeCloseTo(6, 1);
    expect(refused.left[1]).toBeCloseTo(0, 1);
    expect((await one(client, laneOf(1, { capacity: 10 }), 10)).granted).toBe(6);
  });

  test('lanes of different rules and costs share a batch and a bucket', async () => {
    const client = newClient();
    const wants = await takeFrom(subject(), [
      { client, lane: laneOf(1, {}), units: 3 },
      { client, lane: laneOf(5, {}), units: 2 },
      { client, lane: laneOf(1, { name: 'other', capacity: 2 }), units: 5 },
    ]);
    expect(wants.map((want) => want.granted)).toEqual([3, 1, 2]);
  });

  test('capacity 0 always refuses', async () => {
    const client = newClient();
    expect((await one(client, laneOf(1, { capacity: 0 }), 2)).granted).toBe(0);
    expect((await one(client, laneOf(1, { capacity: 10 }), 2)).granted).toBe(2);
  });

  test('a fractional rate refills', async () => {
    const client = newClient();
    const lane = laneOf(1, { capacity: 2, refillPerSecond: 0.5 });
    expect((await one(client, lane, 3)).granted).toBe(2);
    const before = await one(client, lane, 1);
    expect(before.granted).toBe(0);
    const after = await one(client, lane, 1);
    expect(after.left[0] ?? 0).toBeGreaterThanOrEqual(before.left[0] ?? 0);
    expect(after.left[0] ?? 0).toBeLessThan(1);
  });

  test('a bucket refills at its rate', async () => {
    const client = newClient();
    const lane = laneOf(1, { capacity: 1_000, refillPerSecond: 1_000 });
    const startMs = subject().clock();
    expect((await one(client, lane, 1_000)).granted).toBe(1_000);
    const deadlineMs = startMs + 10_000;
    let left = 0;
    while (left < 20 && subject().clock() < deadlineMs) left = (await one(client, lane, 0)).left[0] ?? 0;
    const elapsedMs = subject().clock() - startMs;
    expect(left).toBeGreaterThanOrEqual(20);
    expect(elapsedMs).toBeGreaterThanOrEqual(18); // its clock and ours may disagree by a millisecond at either end
  });

  test('a raised limit acts on the live bucket at once, and so does a lowered one', async () => {
    const client = newClient();
    expect((await one(client, laneOf(1, { capacity: 10 }), 10)).granted).toBe(10);
    expect((await one(client, laneOf(1, { capacity: 10 }), 1)).granted).toBe(0);
    expect((await one(client, laneOf(1, { capacity: 100 }), 200)).granted).toBe(90);
    const other = newClient();
    expect((await one(other, laneOf(1, { capacity: 100 }), 1)).granted).toBe(1);
    expect((await one(other, laneOf(1, { capacity: 5 }), 100)).granted).toBe(5);
  });

  test('two nodes with different limits cannot pump tokens by taking turns', async () => {
    const client = newClient();
    let granted = 0;
    for (let i = 0; i < 20; i++) {
      granted += (await one(client, laneOf(1, { capacity: 10 }), 1)).granted;
      granted += (await one(client, laneOf(1, { capacity: 100 }), 50)).granted;
    }
    expect(granted).toBeLessThanOrEqual(100);
  });

  test('tokens given back can be taken again, and never overfill', async () => {
    const client = newClient();
    expect((await one(client, laneOf(1, {}), 10)).granted).toBe(10);
    expect((await one(client, laneOf(1, {}), -4)).granted).toBe(-4);
    expect((await one(client, laneOf(1, {}), 10)).granted).toBe(4);
    await one(client, laneOf(1, {}), -100);
    expect((await one(client, laneOf(1, {}), 100)).granted).toBe(10);
  });

  test('a reset client starts again with a full bucket', async () => {
    const client = newClient();
    expect((await one(client, laneOf(1, {}), 10)).granted).toBe(10);
    await subject().reset(client);
    expect((await one(client, laneOf(1, {}), 10)).granted).toBe(10);
  });

  test('a debt is charged before anything is granted, and only once', async () => {
    const client = newClient();
    expect((await charged(client, laneOf(1, {}), { units: 20, charges: [{ tokens: 4, ageMs: 0 }] })).granted).toBe(6);
    expect((await one(client, laneOf(1, {}), -2)).granted).toBe(-2);
    expect((await one(client, laneOf(1, {}), 20)).granted).toBe(2);
  });

  test('a debt is charged at its time: what came back since then pays for it, and what did not fit does not', async () => {
    const lane = laneOf(1, { refillPerSecond: 1 });
    // Full six seconds ago, when the first of eight was granted.
    const { left } = await charged(newClient(), lane, { units: 0, charges: [{ tokens: 8, ageMs: 6_000 }] });
    expect(left[0]).toBeCloseTo(8, 1);
    const steady = await charged(newClient(), lane, { units: 0, charges: [{ tokens: 60, ageMs: 60_000 }] });
    expect(steady.left[0]).toBeCloseTo(10, 1);
    const late = await charged(newClient(), lane, { units: 0, charges: [{ tokens: 8, ageMs: 0 }] });
    expect(late.left[0]).toBeCloseTo(2, 1);
  });

  test('a level may be below zero, never below -capacity: nothing is granted then, and nothing given back by mistake', async () => {
    const client = newClient();
    const owing = await charged(client, laneOf(1, {}), { units: 3, charges: [{ tokens: 1_000, ageMs: 0 }] });
    expect(owing.granted).toBe(0);
    expect(owing.left[0]).toBeCloseTo(-10, 1);
    expect(await one(client, laneOf(1, {}), 3)).toMatchObject({ granted: 0 });
    const better = await one(client, laneOf(1, {}), -4);
    expect(better.granted).toBe(-4);
    expect(better.left[0]).toBeCloseTo(-6, 1);
    expect((await one(client, laneOf(1, {}), 3)).left[0]).toBeCloseTo(-6, 1);
  });

  test('what lies below -capacity is not charged, and told', async () => {
    const client = newClient();
    const charges = [{ tokens: 25, ageMs: 0 }];
    const wants = await takeFrom(subject(), [{ client, lane: laneOf(1, {}), units: 0, charges, unpaid: [] }]);
    expect(wants[0]?.unpaid?.[0]).toBeCloseTo(5, 1);
    expect(wants[0]?.left[0]).toBeCloseTo(-10, 1);
  });

  test('a level below zero refills at its rate', async () => {
    const client = newClient();
    const lane = laneOf(1, { capacity: 1_000, refillPerSecond: 1_000 });
    const startMs = subject().clock(); // before the charge: its answer may take longer than a refill
    const { left } = await charged(client, lane, { units: 0, charges: [{ tokens: 1_020, ageMs: 0 }] });
    expect(left[0]).toBeCloseTo(-20, 1);
    let granted = 0;
    while (granted === 0 && subject().clock() < startMs + 10_000) granted = (await one(client, lane, 1)).granted;
    expect(granted).toBe(1);
    expect(subject().clock() - startMs).toBeGreaterThanOrEqual(18); // its clock and ours may disagree by a millisecond at either end
  });

  test('debts of several rules and clients share a batch', async () => {
    const lane = laneOf(1, {}, { name: 'daily', capacity: 4 });
    const [a, b] = [newClient(), newClient()];
    const wants = await takeFrom(subject(), [
      { client: a, lane, units: 9 },
      {
        client: b,
        lane,
        units: 9,
        charges: [
          { tokens: 9, ageMs: 0 },
          { tokens: 0, ageMs: 0 },
        ],
      },
      { client: a, lane, units: 9 },
    ]);
    expect(wants.map((want) => want.granted)).toEqual([4, 1, 0]);
    expect(wants[1]?.left[1]).toBeCloseTo(3, 1);
  });
}
