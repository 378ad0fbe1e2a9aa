import { describe, expect, test } from 'vitest';
import { CLIENT_SLOTS, clearCounts, clientText, countClient, noteGood, readTally } from './client-table.ts';
import type { ClientId } from './client-table.ts';
import { createBreakerMemory, placesIn, rowOf } from './memory.ts';

const clientOf = (low: number, high = 0): ClientId => ({ low, high, text: clientText(low, high) });
const A = clientOf(-7, 5);
const B = clientOf(1);
const start = (): Int32Array => new Int32Array(createBreakerMemory(2));
const clients = (words: Int32Array, stamp: number) => readTally(words, 1, stamp).clients;

describe('clients of an upstream', () => {
  test('are counted apart, in the window, and go with it', () => {
    const words = start();
    countClient(words, 1, { client: A, stamp: 100, failed: true });
    countClient(words, 1, { client: A, stamp: 105, failed: false });
    countClient(words, 1, { client: B, stamp: 105, failed: false });
    expect(clients(words, 105)).toEqual(
      expect.arrayContaining([
        [A.text, 2, 1],
        [B.text, 1, 0],
      ]),
    );
    expect(clients(words, 110)).toEqual(
      expect.arrayContaining([
        [A.text, 1, 0],
        [B.text, 1, 0],
      ]),
    );
    expect(clients(words, 115)).toEqual([]);
    expect(clients(words, 3_000)).toEqual([]);
  });

  test('that were only seen to be served well are there, without counts', () => {
    const words = start();
    noteGood(words, 1, { client: A, stamp: 100 });
    expect(clients(words, 109)).toEqual([[A.text, 0, 0]]);
    expect(clients(words, 110)).toEqual([]);
  });

  test('keep that when a new state begins, and lose their counts', () => {
    const words = start();
    countClient(words, 1, { client: A, stamp: 100, failed: false });
    countClient(words, 1, { client: B, stamp: 100, failed: true });
    clearCounts(words, 1);
    expect(clients(words, 101)).toEqual([[A.text, 0, 0]]);
  });

  test('are bounded: those that come while all slots are in use are not told apart, and get them afterwards', () => {
    const words = start();
    for (let i = 1; i <= 1_000; i++) countClient(words, 1, { client: clientOf(i), stamp: 100, failed: true });
    expect(clients(words, 100)).toHaveLength(CLIENT_SLOTS);
    countClient(words, 1, { client: clientOf(5_000), stamp: 110, failed: true });
    expect(clients(words, 110)).toEqual([[clientText(5_000, 0), 1, 1]]);
  });

  test('of another upstream, and its row, are not touched', () => {
    const words = start();
    for (let i = 1; i <= 1_000; i++) countClient(words, 1, { client: clientOf(i), stamp: 100, failed: true });
    expect(placesIn(words.buffer as SharedArrayBuffer)).toBe(3);
    for (const place of [0, 2]) expect(readTally(words, place, 100)).toEqual({ requests: 0, failed: 0, clients: [] });
    expect(words.slice(rowOf(1), rowOf(3)).every((word) => word === 0)).toBe(true);
  });

  test('that send more than can be counted keep their share', () => {
    const words = start();
    for (let i = 0; i < 10_000; i++) countClient(words, 1, { client: A, stamp: 100, failed: i % 2 === 0 });
    const [[, requests, failed] = ['', 0, 0]] = clients(words, 100);
    expect(failed / requests).toBeCloseTo(0.5, 2);
  });
});
