import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, ask, messageAt, recordingUpstream, requestText, statusOf, valueOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

let a: RecordingUpstream;
let b: RecordingUpstream;
let gateway: Gateway;
let sparePort: number;
beforeAll(async () => {
  const answer = (name: string) => (request: { startLine: string }) =>
    request.startLine.includes('/hold') ? '' : answerText(name);
  [a, b] = await Promise.all([recordingUpstream(answer('a')), recordingUpstream(answer('b'))]);
  const spare = await rawUpstream();
  sparePort = spare.port;
  await spare[Symbol.asyncDispose]();
  gateway = await startGateway({
    env: FORWARDING_ONLY,
    yaml: `
upstreams:
  both: { targets: ["http://127.0.0.1:${a.port}", "http://127.0.0.1:${b.port}"] }
  half: { targets: ["http://127.0.0.1:${a.port}", "http://127.0.0.1:${sparePort}"] }
  v6: { url: "http://[::1]:${sparePort}" }
routes:
  - { path: /both, upstream: both }
  - { path: /half, upstream: half }
  - { path: /v6, upstream: v6 }
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
});
beforeEach(() => {
  a.requests.length = 0;
  b.requests.length = 0;
});

const get = (target: string) => ask(gateway.port, requestText('GET', target));

describe('several targets', () => {
  it('share what comes, evenly enough', async () => {
    const answered = await Promise.all(Array.from({ length: 40 }, () => get('/both')));
    const byA = answered.filter(({ body }) => body === 'a').length;
    expect(byA).toBeGreaterThanOrEqual(10);
    expect(byA).toBeLessThanOrEqual(30);
  });

  it('the one with fewer exchanges under way gets the next', async () => {
    const holders = [];
    for (let i = 0; i < 6; i++) {
      const holder = await rawClient(gateway.port);
      holders.push(holder);
      holder.send(requestText('GET', '/both/hold'));
      await eventually(() => a.requests.length + b.requests.length === i + 1, 'it is held');
    }
    expect([a.requests.length, b.requests.length]).toEqual([3, 3]);
    for (const holder of holders) holder.socket.destroy();
  });

  it('one that refuses is left out, unseen by clients, and comes back when it accepts', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => get('/half')));
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 30 }, () => 'a'));
    const posted = await ask(gateway.port, requestText('POST', '/half', ['Content-Length: 4']) + 'body');
    expect(posted.body).toBe('a');
    expect(a.requests.at(-1)?.body).toBe('body');

    const revived = createServer((socket) => {
      socket.on('data', () => socket.write(answerText('revived')));
      socket.on('error', () => undefined);
    });
    revived.listen(sparePort, '127.0.0.1');
    await once(revived, 'listening');
    await eventually(async () => (await get('/half')).body === 'revived', 'the target is used again', 10_000);
    revived.close();
  });

  it('one that refuses new connections while it still works on an old exchange is left out too', async () => {
    // A server that shuts down gracefully does just that.
    const c = await recordingUpstream(() => '');
    const port = c.port;
    await using other = await startGateway({
      env: FORWARDING_ONLY,
      yaml: `
upstreams: { pair: { targets: ["http://127.0.0.1:${port}", "http://127.0.0.1:${b.port}"] } }
routes: [{ path: /, upstream: pair, timeouts: { response_headers_seconds: 3 } }]
`,
    });
    const holders = [];
    while (c.requests.length === 0) {
      const holder = await rawClient(other.port);
      holders.push(holder);
      const before = c.requests.length + b.requests.length;
      holder.send(requestText('GET', '/hold'));
      await eventually(() => c.requests.length + b.requests.length > before, 'it is held');
    }
    c.stopListening();
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(other.port, requestText('GET', '/'))));
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, () => 'b'));
    // The old exchange was not disturbed.
    c.connections[0]?.send(answerText('late'));
    const last = holders.at(-1);
    expect(last && (await messageAt(last, 0)).body).toBe('late');
    for (const holder of holders) holder.socket.destroy();
    await c[Symbol.asyncDispose]();
  });

  it('all refuse: 502', async () => {
    expect(statusOf(await get('/v6'))).toBe(502);
  });
});

it('a target given as an IPv6 address gets its address in brackets as Host', async () => {
  let head = '';
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      head += data.toString();
      socket.write(answerText('six'));
    });
  });
  server.listen(sparePort, '::1');
  await once(server, 'listening');
  await eventually(async () => (await get('/v6')).body === 'six', 'reached');
  server.close();
  expect(head).toContain(`host: [::1]:${sparePort}\r\n`);
  expect(valueOf(await get('/both'), 'via')).toBe('1.1 api-gateway');
});
