import { describe, expect, it } from 'vitest';
import { kilobytesOf, treeMemory } from './memory.ts';

describe('kilobytesOf', () => {
  const rollup =
    '55d6-7fff ---p 00000000 00:00 0   [rollup]\nRss:                1708 kB\nPss:                 202 kB\n';
  it.each([
    ['Rss', 1708 * 1024],
    ['Pss', 202 * 1024],
    ['Swap', undefined],
  ])('%s', (field, bytes) => {
    expect(kilobytesOf(rollup, field)).toBe(bytes);
  });
});

describe('treeMemory', () => {
  it('sees what this process has taken', () => {
    const before = treeMemory(process.pid).rssBytes;
    const taken = Buffer.alloc(32 * 1024 * 1024, 1);
    expect(treeMemory(process.pid).rssBytes - before).toBeGreaterThan(taken.length * 0.9);
  });

  it('of a process that has ended is nothing', () => {
    expect(treeMemory(2 ** 30).rssBytes).toBe(0);
  });
});
