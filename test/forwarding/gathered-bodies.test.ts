import { expect, it } from 'vitest';
import { ask, messageAt, requestText, statusOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually, quietFor } from '../support/wait.ts';

/** One connection, so that whoever has it takes it from everybody else. */
const NARROW = { UPSTREAM_CONNECTIONS: '1' };
const SOME = 64 * 1024;

const arrived = (pair: Pair, text: string): boolean =>
  pair.upstream.connections.some((each) => each.received().includes(text));
const others = async (pair: Pair): Promise<number> =>
  statusOf(await ask(pair.port, requestText('GET', '/proxy/other')));

it('a small body that comes slowly takes no connection before it is whole', async () => {
  await using pair = await startPair({ env: NARROW });
  using slow = await rawClient(pair.port);
  slow.send(`${requestText('POST', '/proxy/slow', ['Content-Length: 10'])}01234`);
  for (let i = 0; i < 5; i++) expect(await others(pair)).toBe(200);
  expect(arrived(pair, '/slow')).toBe(false);
  slow.send('56789');
  expect(statusOf(await messageAt(slow, 0))).toBe(200);
  expect(pair.requestsFor('/slow').map(({ body }) => body)).toEqual(['0123456789']);
});

it('a large one takes none before 64 KiB of it are here', async () => {
  await using pair = await startPair({ env: NARROW });
  using slow = await rawClient(pair.port);
  const size = SOME + 5_000;
  slow.send(requestText('PUT', '/proxy/slow', [`Content-Length: ${size}`]));
  const half = Buffer.alloc(SOME / 2, 'a');
  slow.send(half);
  for (let i = 0; i < 5; i++) expect(await others(pair)).toBe(200);
  expect(arrived(pair, '/slow')).toBe(false);
  slow.send(half);
  await eventually(() => arrived(pair, `/slow`), 'it is streamed now');
  slow.send(Buffer.alloc(5_000, 'b'));
  expect(statusOf(await messageAt(slow, 0))).toBe(200);
  expect(pair.requestsFor('/slow')[0]?.body).toBe('a'.repeat(SOME) + 'b'.repeat(5_000));
});

it('one of unknown length waits a quarter of a second; whole before that it goes out in one piece', async () => {
  await using pair = await startPair({ env: NARROW });
  using slow = await rawClient(pair.port);
  const head = (path: string): string => requestText('POST', path, ['Transfer-Encoding: chunked']);
  const sentMs = performance.now();
  slow.send(`${head('/proxy/slow')}5\r\nhello\r\n`);
  await eventually(() => arrived(pair, 'hello'), 'its first chunk');
  expect(performance.now() - sentMs).toBeGreaterThan(200);
  slow.send('0\r\n\r\n');
  expect(statusOf(await messageAt(slow, 0))).toBe(200);
  slow.send(`${head('/proxy/quick')}5\r\nhello\r\n`);
  slow.send('5\r\nworld\r\n0\r\n\r\n');
  expect(statusOf(await messageAt(slow, 1))).toBe(200);
  expect(pair.requestsFor('/quick')[0]?.body).toBe('helloworld');
});

it('one that never comes ends with 408 and reaches no upstream, nor its breaker', async () => {
  await using pair = await startPair({ env: { ...NARROW, BODY_IDLE_TIMEOUT_SECONDS: '0.3' } });
  using silent = await rawClient(pair.port);
  silent.send(`${requestText('POST', '/proxy/silent', ['Content-Length: 10'])}01234`);
  expect(statusOf(await messageAt(silent, 0))).toBe(408);
  expect(arrived(pair, '/silent')).toBe(false);
});

it('an upload has an end: whoever sends on and on gets 408', async () => {
  await using pair = await startPair({ env: { ...NARROW, UPLOAD_TIMEOUT_SECONDS: '0.5' } });
  using slow = await rawClient(pair.port);
  slow.send(requestText('POST', '/proxy/slow', ['Content-Length: 1000000']));
  const sending = setInterval(() => slow.send('x'.repeat(100)), 50);
  try {
    expect(statusOf(await messageAt(slow, 0, { timeoutMs: 15_000 }))).toBe(408);
  } finally {
    clearInterval(sending);
  }
});

it('a client that leaves in the middle leaves nothing behind', async () => {
  await using pair = await startPair({ env: NARROW });
  for (let i = 0; i < 20; i++) {
    using slow = await rawClient(pair.port);
    slow.send(`${requestText('POST', '/proxy/left', ['Content-Length: 60000'])}${'x'.repeat(30_000)}`);
    await quietFor(5, 'for some of it to be read');
    slow.socket.resetAndDestroy();
  }
  expect(await others(pair)).toBe(200);
  expect(arrived(pair, '/left')).toBe(false);
});
