import { describe, expect, it } from 'vitest';
import { BROWSER_GET, EXCHANGES, loadRequestOf } from './exchanges.ts';
import { requestBytes } from './load/open-loop.ts';

describe('exchanges', () => {
  it('has a name of its own for each', () => {
    expect(new Set(EXCHANGES.map(({ name }) => name)).size).toBe(EXCHANGES.length);
  });

  it('sends 15 header fields where it says so', () => {
    const url = new URL('http://127.0.0.1:1/ok');
    const head = requestBytes(loadRequestOf(BROWSER_GET), url, 0).toString();
    expect(head.split('\r\n').filter((line) => line.includes(': '))).toHaveLength(15);
  });
});
