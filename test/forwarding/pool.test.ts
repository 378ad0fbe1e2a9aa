import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, ask, messageAt, recordingUpstream, requestText, statusOf, valueOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

let upstream: RecordingUpstream;
let gateway: Gateway;
const answers = new Map<string, (connection: RawConnection) => string>();
beforeAll(async () => {
  upstream = await recordingUpstream((request, connection) => {
    const answer = answers.get(request.startLine.split(' ')[1] ?? '');
    return answer === undefined ? answerText() : answer(connection);
  });
  const url = `http://127.0.0.1:${upstream.port}`;
  gateway = await startGateway({
    env: FORWARDING_ONLY,
    yaml: `
upstreams:
  one: { url: "${url}", connections: 1, queue: 100 }
  narrow: { url: "${url}", connections: 1, queue: 1 }
  aging: { url: "${url}", connections: 1, max_age_seconds: 0.4 }
  brief: { url: "${url}", idle_timeout_seconds: 0.3 }
routes:
  - { path: /one, upstream: one, timeouts: { response_headers_seconds: 5 } }
  - { path: /narrow, upstream: narrow }
  - { path: /aging, upstream: aging }
  - { path: /brief, upstream: brief }
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const get = (target: string) => ask(gateway.port, requestText('GET', target));
const living = (): RawConnection[] => upstream.connections.filter(({ socket }) => !socket.destroyed);
/** The one connection of `/one`, warm: it has carried an exchange and rests. */
async function warm(): Promise<RawConnection> {
  expect(statusOf(await get('/one/warm'))).toBe(200);
  const [connection] = living().filter((each) => each.received().includes(' /one/'));
  if (connection === undefined) throw new Error('no connection');
  return connection;
}
const seen = (target: string): number =>
  upstream.requests.filter((each) => each.startLine.includes(` ${target} `)).length;

describe('keep-alive', () => {
  it('many exchanges of many clients use one connection', async () => {
    const first = await warm();
    for (let i = 0; i < 5; i++) await get(`/one/again`);
    expect(living().filter((each) => each.received().includes(' /one/'))).toEqual([first]);
    expect(seen('/one/again')).toBe(5);
  });

  it('an idle connection is closed after its time', async () => {
    await get('/brief/a');
    await upstream.connections.at(-1)?.closed(2_000);
  });

  it('a busy one is replaced at its greatest age, between two exchanges', async () => {
    const before = upstream.connections.length;
    const statuses = new Set<number>();
    await eventually(async () => {
      statuses.add(statusOf(await get('/aging/x')));
      return upstream.connections.length >= before + 3;
    }, 'replaced twice');
    expect([...statuses]).toEqual([200]);
  });

  it('an idle one is closed at its greatest age', async () => {
    await get('/aging/x');
    await upstream.connections.at(-1)?.closed(2_000);
  });

  it('Keep-Alive: timeout=1 of the upstream shortens it', async () => {
    answers.set('/one/timeout', () => answerText('', ['Keep-Alive: timeout=1']));
    const connection = await warm();
    await get('/one/timeout');
    await connection.closed(2_000);
  });
});

describe('a kept connection that the upstream has closed', () => {
  const stale = (connection: RawConnection): string => (connection.socket.destroy(), '');

  it('an idempotent request is sent once more, on a new connection, and the client sees nothing of it', async () => {
    await warm();
    let calls = 0;
    answers.set('/one/stale', (connection) => (calls++ === 0 ? stale(connection) : answerText('second')));
    expect((await get('/one/stale')).body).toBe('second');
    expect(seen('/one/stale')).toBe(2);
  });

  it('never a third time', async () => {
    await warm();
    answers.set('/one/dead', stale);
    expect(statusOf(await get('/one/dead'))).toBe(502);
    expect(seen('/one/dead')).toBe(2);
  });

  it('a PUT whose body we still have goes again, whole', async () => {
    await warm();
    let calls = 0;
    answers.set('/one/put', (connection) => (calls++ === 0 ? stale(connection) : answerText('put')));
    expect((await ask(gateway.port, requestText('PUT', '/one/put', ['Content-Length: 4']) + 'body')).body).toBe('put');
    expect(upstream.requests.at(-1)?.body).toBe('body');
  });

  it.each(['POST', 'PATCH'])('a %s is never repeated', async (method) => {
    await warm();
    answers.set(`/one/${method}`, stale);
    const answer = await ask(gateway.port, requestText(method, `/one/${method}`, ['Content-Length: 4']) + 'body');
    expect([statusOf(answer), seen(`/one/${method}`)]).toEqual([502, 1]);
  });

  it('a fresh connection that dies is no reason to repeat', async () => {
    const connection = await warm();
    connection.socket.destroy();
    await eventually(() => living().every((each) => !each.received().includes(' /one/')), 'the gateway noticed');
    answers.set('/one/fresh', stale);
    expect([statusOf(await get('/one/fresh')), seen('/one/fresh')]).toEqual([502, 1]);
  });

  it('once a byte of the answer has come nothing is repeated', async () => {
    await warm();
    answers.set('/one/begun', ({ socket }) => (socket.end('HTTP/1.1 2'), ''));
    expect([statusOf(await get('/one/begun')), seen('/one/begun')]).toEqual([502, 1]);
  });
});

describe('bytes that nobody asked for', () => {
  it('on an idle connection: it is closed, and they answer nobody', async () => {
    const poisoned = await warm();
    poisoned.send(answerText('poison'));
    await poisoned.closed(1_500); // sooner than an idle connection goes anyway
    answers.set('/one/clean', () => answerText('clean'));
    expect((await get('/one/clean')).body).toBe('clean');
  });

  it('behind an answer: they answer nobody', async () => {
    const poisoned = await warm();
    answers.set('/one/double', () => answerText('first') + answerText('poison'));
    expect((await get('/one/double')).body).toBe('first');
    await poisoned.closed(1_500); // sooner than an idle connection goes anyway
    expect((await get('/one/clean')).body).toBe('clean');
  });

  it('a body after HEAD’s answer answers nobody', async () => {
    await warm();
    answers.set('/one/head', () => answerText('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'));
    expect(statusOf(await ask(gateway.port, requestText('HEAD', '/one/head')))).toBe(200);
    expect((await get('/one/clean')).body).toBe('clean');
  });
});

describe('the queue', () => {
  it('requests beyond the connections wait their turn', async () => {
    const asked = Array.from({ length: 20 }, (_, i) => get(`/one/queued?${i}`));
    expect((await Promise.all(asked)).map(statusOf)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(living().filter((each) => each.received().includes(' /one/')).length).toBe(1);
  });

  it('whoever waits is served when the connection is free, though nothing else wakes the loop', async () => {
    await warm();
    using first = await rawClient(gateway.port);
    using second = await rawClient(gateway.port);
    const averageMs = async (round: number): Promise<number> => {
      let waitedMs = 0;
      for (let n = 20 * round; n < 20 * (round + 1); n++) {
        answers.set(`/one/first/${n}`, () => '');
        first.send(requestText('GET', `/one/first/${n}`));
        await eventually(() => seen(`/one/first/${n}`) === 1, 'the only connection is busy');
        second.send(requestText('GET', `/one/second/${n}`));
        await new Promise((resolve) => setTimeout(resolve, 5)); // for nothing else to come once the first is answered
        const fromMs = performance.now();
        living()
          .find((each) => each.received().includes(`/one/first/${n} `))
          ?.send(answerText());
        await messageAt(second, n);
        waitedMs += performance.now() - fromMs;
      }
      return waitedMs / 20;
    };
    // The loop's tick comes every 50 ms, so 20 that wait for it never average 10; a busy machine may, but not each time.
    let round = 0;
    await eventually(async () => (await averageMs(round++)) < 10, 'served at once', 20_000);
  });

  it('full: 503 with Retry-After at once; those who wait are served', async () => {
    answers.set('/narrow/held', () => '');
    using holder = await rawClient(gateway.port);
    holder.send(requestText('GET', '/narrow/held'));
    await eventually(() => seen('/narrow/held') === 1, 'the only connection is busy');
    using waiter = await rawClient(gateway.port);
    waiter.send(requestText('GET', '/narrow/waits'));
    // The waiter's request may still be on its way: one of these must find the queue full.
    let refused = await get('/narrow/refused-or-waits');
    while (statusOf(refused) !== 503) refused = await get('/narrow/refused-or-waits');
    expect(valueOf(refused, 'retry-after')).toMatch(/^\d+$/);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'upstream_queue_full' });
    upstream.connections.find((each) => each.received().includes('/narrow/held'))?.send(answerText('held'));
    expect((await messageAt(holder, 0)).body).toBe('held');
    expect(statusOf(await messageAt(waiter, 0))).toBe(200);
  });

  it('a client that leaves gives its place free', async () => {
    answers.set('/narrow/held2', () => '');
    using holder = await rawClient(gateway.port);
    holder.send(requestText('GET', '/narrow/held2'));
    await eventually(() => seen('/narrow/held2') === 1, 'the only connection is busy');
    for (let i = 0; i < 5; i++) {
      using waiter = await rawClient(gateway.port);
      waiter.send(requestText('GET', '/narrow/leaves'));
      waiter.socket.resetAndDestroy(); // a FIN alone may come from a client that waits
    }
    // Who came later is answered: the gateway has heard that those have left.
    expect(statusOf(await get('/one/later'))).toBe(200);
    holder.socket.resetAndDestroy();
    await eventually(async () => statusOf(await get('/narrow/after')) === 200, 'served again');
    expect(seen('/narrow/leaves')).toBeLessThanOrEqual(1);
  });
});
