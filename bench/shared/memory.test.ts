import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { kilobytesOf, treeMemory } from './memory.ts';

const TAKEN_BYTES = 32 * 1024 * 1024;

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
  it('sees what a process has taken', async () => {
    // A process of its own: one that has run other tests has room left that they have given back.
    const take = `process.stdin.once('data', () => { globalThis.taken = Buffer.alloc(${TAKEN_BYTES}, 1); console.log('taken'); });
      console.log('ready');`;
    const child = spawn(process.execPath, ['-e', take], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    const before = treeMemory(pid).rssBytes;
    child.stdin.write('take');
    await once(child.stdout, 'data');
    expect(treeMemory(pid).rssBytes - before).toBeGreaterThan(TAKEN_BYTES * 0.9);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });

  it('of a process that has ended is nothing', () => {
    expect(treeMemory(2 ** 30).rssBytes).toBe(0);
  });
});
