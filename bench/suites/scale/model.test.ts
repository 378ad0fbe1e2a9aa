import { describe, expect, it } from 'vitest';
import { fitRedis, mostNodes, predict, scriptsAt } from './model.ts';
import type { ScaleConstants } from './model.ts';

const constants: ScaleConstants = {
  scriptUs: 8,
  requestUs: 1,
  scriptsAt: [
    [1000, 0.5],
    [5000, 0.1],
  ],
  restMsPerSecond: 0.5,
  connectionsPerNode: 10,
  bytesPerConnection: 1024 ** 2 / 100,
  deliveryUs: 2,
};
const load = { nodes: 10, perNode: 1000, eventsPerSecond: 5, maxClients: 10_000 };

describe('fitRedis', () => {
  it('finds what a script and a request in it cost', () => {
    const run = (nodes: number, scriptsPerRequest: number) => ({
      nodes,
      perSecond: 1,
      scriptsPerRequest,
      redisUs: 8 * scriptsPerRequest + 1,
    });
    const { scriptUs, requestUs } = fitRedis([run(1, 0.05), run(2, 0.1), run(8, 0.4)]);
    expect(scriptUs).toBeCloseTo(8);
    expect(requestUs).toBeCloseTo(1);
    expect(fitRedis([run(1, 0.5)])).toEqual({ scriptUs: 10, requestUs: 0 });
  });
});

describe('scriptsAt', () => {
  it.each([
    [500, 0.75],
    [1000, 0.5],
    [3000, 0.3],
    [5000, 0.1],
    [9000, 0.1],
  ])('%i requests a second and node', (perNode, expected) => {
    expect(scriptsAt(constants.scriptsAt, perNode)).toBeCloseTo(expected);
  });
});

describe('predict', () => {
  it('adds up requests, rest and events', () => {
    const seen = predict(constants, load);
    expect(seen.redisUsPerRequest).toBe(5);
    expect(seen.redisCores).toBeCloseTo(0.05 + 0.005 + 0.0001);
    expect(seen).toMatchObject({ connections: 100, breaks: [] });
    expect(seen.connectionMiB).toBeCloseTo(1);
  });

  it('says what breaks', () => {
    expect(predict(constants, { ...load, nodes: 200 }).breaks).toEqual(['Redis CPU']);
    expect(predict(constants, { ...load, nodes: 2000 }).breaks).toEqual(['Redis CPU', 'Redis connections']);
    const most = mostNodes(constants, load);
    expect(predict(constants, { ...load, nodes: most }).breaks).toEqual([]);
    expect(predict(constants, { ...load, nodes: most + 1 }).breaks).not.toEqual([]);
  });
});
