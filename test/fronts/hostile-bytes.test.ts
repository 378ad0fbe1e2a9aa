import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { startGateway } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { residentBytes } from '../lifecycle/heap.ts';
import { counts } from '../lifecycle/load.ts';

/** More by hand: `GATEWAY_TEST_RUNS=20000 npx vitest run hostile-bytes`. */
const RUNS = Number(process.env['GATEWAY_TEST_RUNS'] ?? 600);

const GOOD = [
  requestText('GET', '/proxy/echo?a=b', ['Cookie: c=d', 'Accept: */*']),
  `${requestText('POST', '/proxy/echo', ['Content-Length: 11'])}hello world`,
  `${requestText('PUT', '/proxy/echo', ['Transfer-Encoding: chunked'])}5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `${requestText('POST', '/proxy/echo', ['Expect: 100-continue', 'Content-Length: 4'])}body`,
  requestText('HEAD', '/nowhere'),
  requestText('OPTIONS', '*'),
  'GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  requestText('GET', '/proxy/echo', ['Connection: close']),
];

/** What is done to a place of a valid sequence of requests. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('set', 'insert', 'drop', 'repeat', 'piece'),
  byte: fc.constantFrom(0, 9, 10, 13, 32, 44, 45, 48, 58, 59, 0x66, 0x7f, 0x80, 0xff),
  length: fc.nat(40),
  piece: fc.constantFrom(
    '\r\n\r\n',
    '0\r\n\r\n',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    ' HTTP/1.1\r\n',
    '\n',
  ),
});

const bytes = fc
  .tuple(fc.array(fc.constantFrom(...GOOD), { minLength: 1, maxLength: 8 }), fc.array(mutation, { maxLength: 6 }))
  .map(([requests, mutations]) => {
    let all = Buffer.from(requests.join(''), 'latin1');
    for (const { at, kind, byte, length, piece } of mutations) {
      const place = Math.floor(at * all.length);
      const before = all.subarray(0, place);
      const put = { set: 1, insert: 0, drop: length, repeat: 0, piece: 0 }[kind];
      const middle = { set: [byte], insert: [byte], drop: [], repeat: all.subarray(place, place + length), piece }[
        kind
      ];
      all = Buffer.concat([before, Buffer.from(middle as string, 'latin1'), all.subarray(place + put)]);
    }
    return all;
  });

interface Attack {
  readonly all: Buffer;
  readonly cut: number;
  readonly ends: 'end' | 'reset' | 'waits';
}

const attack: fc.Arbitrary<Attack> = fc.record({
  all: bytes,
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
  ends: fc.constantFrom('end', 'end', 'reset', 'waits'),
});

/** Sends it in two pieces and leaves, one way or another. */
async function send(port: number, { all, cut, ends }: Attack): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  const place = Math.floor(cut * all.length);
  socket.resume();
  socket.write(all.subarray(0, place));
  await new Promise((resolve) => setImmediate(resolve));
  if (ends === 'reset') {
    socket.write(all.subarray(place), () => socket.resetAndDestroy());
  } else if (ends === 'end') {
    socket.end(all.subarray(place));
  } else {
    socket.write(all.subarray(place));
    setTimeout(() => socket.destroy(), 20);
  }
  setTimeout(() => socket.destroy(), 3_000).unref();
  await closed;
}

/** Asks on, one request after the other, until it is told to stop. @returns how often */
async function askOn(port: number, name: string, running: () => boolean): Promise<number> {
  let asked = 0;
  while (running()) {
    using client = await rawClient(port);
    let length = 0;
    for (let i = 0; i < 20; i++) {
      const id = `${name}-${asked++}`;
      const body = `${id}.`.repeat(1 + (asked % 50));
      client.send(requestText('POST', '/proxy/echo', [`X-Request-Id: ${id}`, `Content-Length: ${body.length}`]) + body);
      const answer = await messageAt(client, i);
      length += answer.raw.length;
      const right = statusOf(answer) === 200 && valueOf(answer, 'x-request-id') === id && answer.body === body;
      if (!right || client.received().length !== length)
        throw new Error(`not the answer to ${id}: ${client.received()}`);
    }
  }
  return asked;
}

async function attackAll(port: number, count: number): Promise<void> {
  const waiting = new Set<Promise<void>>();
  for (const each of fc.sample(attack, count)) {
    const one = send(port, each).finally(() => waiting.delete(one));
    waiting.add(one);
    if (waiting.size >= 16) await Promise.race(waiting);
  }
  await Promise.all(waiting);
}

const upstream = createServer({ keepAliveTimeout: 0 }, (req, res) => void req.pipe(res));
beforeAll(async () => {
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
afterAll(() => {
  upstream.close();
  upstream.closeAllConnections();
});

describeFronts('hostile bytes', (front) => {
  it(
    'end their own connection at most: good clients beside them have each of their answers, and nothing is left behind',
    async () => {
      await using gateway = await startGateway({
        front,
        env: {
          ...FORWARDING_ONLY,
          UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
          ACCESS_LOG: 'off',
          ...(front === 'uws' && { UWS_CHUNKED: 'on' }),
        },
      });
      const { port, adminPort } = gateway;
      const pid = gateway.process.pid ?? 0;
      let running = true;
      const good = Promise.all(['one', 'two'].map((name) => askOn(port, name, () => running)));
      await attackAll(port, RUNS / 2);
      const before = await residentBytes(pid);
      await attackAll(port, RUNS / 2);
      running = false;
      expect(Math.min(...(await good))).toBeGreaterThan(20);
      const isQuiet = async (): Promise<boolean> => {
        const { inFlight, connections } = await counts(adminPort);
        return inFlight === 0 && connections === 0;
      };
      await eventually(isQuiet, 'no exchange and no connection is left', 15_000);
      expect((await residentBytes(pid)) - before).toBeLessThan(48 * 1024 * 1024);
      expect(gateway.log.filter((line) => line['level'] === 'error')).toEqual([]);
      expect(gateway.process.exitCode).toBeNull();
    },
    30_000 + RUNS * 30,
  );
});
