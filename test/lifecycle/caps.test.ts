import { FRONTS } from '../support/fronts.ts';
import { describe, expect, it } from 'vitest';
import { ask, requestText, statusOf, valueOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { counts } from './load.ts';

const get = (port: number, path: string): Promise<Message> => ask(port, requestText('GET', path));

function expectOverloaded(answer: Message): void {
  expect([statusOf(answer), valueOf(answer, 'retry-after'), valueOf(answer, 'connection')]).toEqual([
    503,
    '1',
    'close',
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'overloaded', status: 503 });
}

describe('MAX_IN_FLIGHT', () => {
  it('refuses what is above it, never /health and /ready, and takes requests again', async () => {
    await using pair = await startPair({ env: { MAX_IN_FLIGHT: '3' } });
    pair.answers.set('/held', () => '');
    const held = [1, 2, 3].map(() => get(pair.port, '/proxy/held'));
    await eventually(() => pair.requestsFor('/held').length === 3, 'three are at the upstream');
    expectOverloaded(await get(pair.port, '/proxy/ok'));
    expect(pair.requestsFor('/ok')).toEqual([]);
    expect(statusOf(await get(pair.port, '/health'))).toBe(200);
    expect(statusOf(await get(pair.port, '/ready'))).toBe(200);

    for (const connection of pair.upstream.connections) connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await Promise.all(held)).map(statusOf)).toEqual([200, 200, 200]);
    expect(statusOf(await get(pair.port, '/proxy/ok'))).toBe(200);
  });
});

describe.runIf(FRONTS.includes('uws'))(
  'MAX_CONNECTIONS on uws, which cannot tell idle connections (native: test/front/caps)',
  () => {
    const open = async (port: number, count: number): Promise<RawConnection[]> =>
      await Promise.all(Array.from({ length: count }, () => rawClient(port)));

    it('above it requests get 503, /health does not; below it all is well again', async () => {
      await using pair = await startPair({ front: 'uws', env: { MAX_CONNECTIONS: '4' } });
      const { port, gateway } = pair;
      const idle = await open(port, 4);
      await eventually(async () => (await counts(gateway.adminPort)).connections === 4, 'four are open');
      expectOverloaded(await get(port, '/proxy/ok'));
      expect(statusOf(await get(port, '/health'))).toBe(200);
      expect(statusOf(await get(port, '/ready'))).toBe(200);
      expect(pair.requestsFor('/ok')).toEqual([]);

      idle[0]?.socket.destroy();
      await eventually(async () => (await counts(gateway.adminPort)).connections === 3, 'one has gone');
      expect(statusOf(await get(port, '/proxy/ok'))).toBe(200);
      for (const each of idle) each.socket.destroy();
    });

    it('a connection beyond twice as many is not kept at all', async () => {
      await using pair = await startPair({ front: 'uws', env: { MAX_CONNECTIONS: '4' } });
      const { port, gateway } = pair;
      const idle = await open(port, 12);
      await eventually(() => idle.filter(({ socket }) => socket.destroyed).length === 4, 'four were closed');
      await eventually(async () => (await counts(gateway.adminPort)).connections === 8, 'the others are counted');
      for (const each of idle) each.socket.destroy();
      await eventually(async () => (await counts(gateway.adminPort)).connections === 0, 'all have gone');
      expect(statusOf(await get(port, '/proxy/ok'))).toBe(200);
    });
  },
);
