import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { seenAt, startNode, untilSeen } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const upstream = await scriptedUpstream();
const gateway = await startNode({
  upstream,
  breaker: '{ failure_threshold: 2, reset_timeout_seconds: 0.3, half_open_success_threshold: 1 }',
  timeouts: '{ response_headers_seconds: 0.5 }',
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** The first request of a raw client that is let through and so holds the only permit. */
async function probeWith(text: string): ReturnType<typeof rawClient> {
  for (;;) {
    const client = await rawClient(gateway.port);
    client.send(text);
    await eventually(() => upstream.calls.length > 0 || client.received() !== '', 'let through, or refused');
    if (upstream.calls.length > 0) return client;
    client.socket.destroy();
  }
}

describe('the only permit', () => {
  beforeEach(async () => {
    upstream.behaviour = 200;
    await untilSeen([gateway], 'passed');
    upstream.behaviour = 500;
    await eventually(async () => (await seenAt(gateway)) === 'OPEN', 'the breaker is open');
    upstream.clear();
  });

  test('is not kept by a client that sends its body a byte at a time', async () => {
    upstream.behaviour = 'hold';
    using client = await probeWith(
      'POST /proxy/slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n',
    );
    expect(await seenAt(gateway)).toBe('HALF_OPEN');
    const drip = setInterval(() => client.send('1\r\n.\r\n'), 100);
    try {
      upstream.onPath.set('/proxy/ok', 200);
      await untilSeen([gateway], 'passed');
      expect(client.received()).toBe(''); // still sending
    } finally {
      clearInterval(drip);
      upstream.onPath.clear();
    }
  });

  /** The same for a request that is not sent on before its body is here. */
  async function waitingProbe(text: string): ReturnType<typeof rawClient> {
    for (;;) {
      const client = await rawClient(gateway.port);
      client.send(text);
      await eventually(
        async () => client.received() !== '' || (await seenAt(gateway)) === 'HALF_OPEN',
        'it holds the permit, or is refused',
      );
      if (client.received() === '') return client;
      client.socket.destroy();
    }
  }

  const LONG = 'POST /proxy/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n';

  test.each([
    ['a byte at a time', '.'],
    ['not at all', ''],
  ])('is not kept by a client that sends a body of a known length %s', async (_, byte) => {
    using client = await waitingProbe(LONG);
    const drip = setInterval(() => byte !== '' && client.send(byte), 100);
    try {
      upstream.behaviour = 200;
      await untilSeen([gateway], 'passed');
      expect(client.received()).toBe('');
      expect(upstream.calls.filter(({ path }) => path === '/slow')).toEqual([]); // no connection waits for it
    } finally {
      clearInterval(drip);
    }
  });

  test('is not kept by a client that sends the rest of a longer body a byte at a time', async () => {
    upstream.behaviour = 'hold';
    using client = await probeWith(
      `POST /proxy/long HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(65_536)}`,
    );
    const drip = setInterval(() => client.send('.'), 100);
    try {
      upstream.onPath.set('/proxy/ok', 200).set('/ok', 200);
      await untilSeen([gateway], 'passed');
      expect(client.received()).toBe('');
    } finally {
      clearInterval(drip);
      upstream.onPath.clear();
    }
  });

  test('is given back by the header of an answer, however long its body takes', async () => {
    upstream.behaviour = (response) => void response.writeHead(200, { 'content-length': '1000' }).write('begun');
    using client = await probeWith('GET /proxy/long HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until('begun');
    upstream.behaviour = 200;
    await untilSeen([gateway], 'passed');
    expect(await statuses(gateway, 3)).toEqual([200, 200, 200]);
    expect((await get(gateway.port)).headers).not.toHaveProperty('x-circuit-breaker');
  });

  test('is given back when the probe is not answered in time: that is a failure', async () => {
    upstream.behaviour = 'hold';
    using client = await probeWith('GET /proxy/never HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.until('upstream_headers_timeout')).toMatch(/^HTTP\/1.1 504 /);
    expect(await seenAt(gateway)).toBe('OPEN');
  });
});
