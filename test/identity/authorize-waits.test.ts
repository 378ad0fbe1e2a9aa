import { describe, expect, test } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { answerText, ask, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { get } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { eventually, quietFor, until } from '../support/wait.ts';
import { NO, startGuarded, YES } from './authorize.ts';
import type { Guarded } from './authorize.ts';

const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;
const as = (user: string): string => `Authorization: Bearer ${user}`;
const UNKEPT = 'cache_seconds: 0, negative_cache_seconds: 0';

/** Keeps every question until it is let go. */
function hold(guarded: Guarded): { readonly asked: () => number; answer: (text: string) => void } {
  let held: RawConnection[] = [];
  let asked = 0;
  guarded.answers = (_request, connection) => {
    asked++;
    held.push(connection);
    return '';
  };
  return {
    asked: () => asked,
    answer: (text) => {
      const now = held;
      held = [];
      for (const connection of now) connection.send(text);
    },
  };
}

const send = (guarded: Guarded, fields: readonly string[] = [], target = '/a'): Promise<Message> =>
  ask(guarded.port, requestText('GET', target, fields));

describeFronts('an authorizer that does not answer', (front) => {
  test('in time is given up: 503, and with on_failure: open the request passes', async () => {
    await using guarded = await startGuarded('timeout_seconds: 0.2, copy: [x-user]', { front });
    const held = hold(guarded);
    const answer = await send(guarded, [as('anna')]);
    expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
    expect(Number(valueOf(answer, 'retry-after'))).toBeGreaterThan(0);
    expect(guarded.upstream.requests).toEqual([]);
    const silent = await guarded.gateway.waitForLog(({ msg }) => msg === 'the authorizer gives no answer');
    expect(silent['reason']).toBe('upstream_total_timeout');
    await guarded.reload('timeout_seconds: 0.2, copy: [x-user], on_failure: open');
    expect(statusOf(await send(guarded, [as('anna'), 'X-User: root']))).toBe(200);
    expect(guarded.upstream.requests.at(-1)?.raw).not.toContain('root');
    await guarded.gateway.waitForLog(({ passed_unasked: passed }) => passed === 1);
    await guarded.gateway.waitForLog(({ authorizer }) => authorizer === 'passed');
    expect(held.asked()).toBe(2);
    const { body } = await get(guarded.gateway.adminPort, '/metrics');
    expect(body).toContain('authorizer_decisions_total{route="a",outcome="passed"} 1');
    guarded.answers = () => YES();
    expect(statusOf(await send(guarded, [as('anna')]))).toBe(200);
    await guarded.gateway.waitForLog(({ msg }) => msg === 'the authorizer answers again');
  });

  test('a no is one also where the rest of it does not come, whatever on_failure says', async () => {
    await using guarded = await startGuarded('timeout_seconds: 0.3, on_failure: open', { front });
    const head = 'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Type: a/b\r\nContent-Length: 9\r\n\r\nabc';
    for (const cut of [false, true]) {
      guarded.answers = (_request, connection) => {
        if (!cut) return head;
        connection.socket.end(head, 'latin1');
        return '';
      };
      const answer = await send(guarded, [as(`${cut}`)]);
      expect([statusOf(answer), answer.body]).toEqual([401, '']);
      expect([valueOf(answer, 'www-authenticate'), valueOf(answer, 'content-type')]).toEqual(['Basic', undefined]);
    }
    expect(guarded.upstream.requests).toEqual([]);
  });

  test('a yes is one as soon as its header is here', async () => {
    await using guarded = await startGuarded('timeout_seconds: 60', { front });
    guarded.answers = () => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc';
    expect(statusOf(await send(guarded, [as('a')]))).toBe(200);
    guarded.answers = () => answerText('x'.repeat(300_000));
    expect(statusOf(await send(guarded, [as('b')]))).toBe(200);
    expect(statusOf(await send(guarded, [as('c')]))).toBe(200);
  });

  test('is asked on a connection that stands, and once more where that has gone', async () => {
    await using guarded = await startGuarded(UNKEPT, { front });
    for (let n = 0; n < 5; n++) expect(statusOf(await send(guarded))).toBe(200);
    expect(guarded.authorizer.connections).toHaveLength(1);
    let asked = 0;
    guarded.answers = (_request, connection) => {
      if (asked++ > 0) return YES();
      connection.socket.destroy();
      return '';
    };
    expect(statusOf(await send(guarded))).toBe(200);
    expect(asked).toBe(2);
  });

  test('opens its breaker, which closes again when it does answer', async () => {
    await using guarded = await startGuarded(UNKEPT, {
      front,
      env: {
        CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3',
        CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '1',
        CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: '1',
      },
    });
    let asked = 0;
    guarded.answers = () => (asked++, answerText('', [], '500 Internal Server Error'));
    const { gateway } = guarded;
    const isOpen = (): boolean => gateway.log.some(({ msg }) => msg === 'circuit breaker CLOSED -> OPEN');
    while (!isOpen()) expect(statusOf(await send(guarded, [as('a')]))).toBe(503);
    const open = gateway.log.find(({ msg }) => msg === 'circuit breaker CLOSED -> OPEN');
    expect(String(open?.['upstream'])).toMatch(/^authorizer:http:127\.0\.0\.1:\d+$/);
    const before = asked;
    const isSaid =
      /circuit breaker of authorizer:http:127\.0\.0\.1:\d+, which routes ask who may pass, is (OPEN|HALF_OPEN)/;
    await until(async () => isSaid.test((await get(guarded.port, '/health')).body));
    const answer = await send(guarded, [as('a')]);
    expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
    expect(valuesOf(answer, 'retry-after')).toHaveLength(1);
    expect(valuesOf(answer, 'x-circuit-breaker')).toEqual([]);
    expect(asked - before).toBeLessThan(3);
    // The upstream's own is not touched.
    expect(statusOf(await ask(guarded.port, requestText('GET', '/open')))).toBe(200);
    guarded.answers = () => YES();
    await until(async () => statusOf(await send(guarded, [as('a')])) === 200);
    await gateway.waitForLog(({ msg }) => msg === 'circuit breaker HALF_OPEN -> CLOSED');
    await until(async () => (await get(guarded.port, '/health')).body === '{"status":"ok"}\n');
  });
});

test('one that is down is 503 at once', async () => {
  await using guarded = await startGuarded(UNKEPT);
  await guarded.authorizer[Symbol.asyncDispose]();
  const answer = await send(guarded);
  expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
  await guarded.gateway.waitForLog(({ reason }) => reason === 'upstream_refused');
});

describeFronts('while it is asked', (front) => {
  test('a body waits, small or large, in one piece or in chunks, and none of it is lost', async () => {
    await using guarded = await startGuarded(UNKEPT, { front, env: { UWS_CHUNKED: 'on' } });
    const held = hold(guarded);
    const bodies = ['x'.repeat(10), 'abcdefgh'.repeat(512 * 1024)];
    for (const body of bodies) {
      for (const chunked of [false, true]) {
        using client = await rawClient(guarded.port);
        const half = Math.floor(body.length / 2);
        const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
        client.send(requestText('POST', '/a', [framing]));
        const piece = (text: string): string => (chunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
        client.send(piece(body.slice(0, half)));
        const before = guarded.upstream.requests.length;
        await until(() => held.asked() > before);
        client.send(piece(body.slice(half)) + (chunked ? '0\r\n\r\n' : ''));
        await quietFor(30, 'what has come of the body is read');
        expect(guarded.upstream.requests).toHaveLength(before);
        held.answer(YES());
        expect(statusOf(await messageAt(client, 0))).toBe(200);
        expect(guarded.upstream.requests.at(-1)?.body === body).toBe(true);
      }
    }
  });

  test('the client is read no further than what is held for it', async () => {
    let received = 0;
    await using upstream = await httpUpstream((request, response) => {
      request.on('data', (piece: Buffer) => (received += piece.length));
      request.on('end', () => response.end());
    });
    const env = { MAX_BODY_BYTES: '100000000' };
    await using guarded = await startGuarded(`${UNKEPT}, timeout_seconds: 60`, { front, env, to: upstream.port });
    const held = hold(guarded);
    using client = await rawClient(guarded.port);
    client.send(requestText('POST', '/a', ['Content-Length: 50000000']));
    client.send(Buffer.alloc(50_000_000, 'x'));
    await until(() => held.asked() === 1);
    let left = Infinity;
    await until(async () => {
      const before = left;
      await quietFor(100, 'the socket takes what it can');
      left = client.socket.writableLength;
      return left === before;
    });
    // All that the kernel keeps of a connection is far less.
    expect(left).toBeGreaterThan(25_000_000);
    held.answer(YES());
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    expect(received).toBe(50_000_000);
  });

  test('a connection on which a body was refused carries the next request', async () => {
    await using guarded = await startGuarded(UNKEPT, { front });
    guarded.answers = () => NO();
    using client = await rawClient(guarded.port);
    client.send(`${requestText('POST', '/a', ['Content-Length: 5'])}hello`);
    expect(statusOf(await messageAt(client, 0))).toBe(401);
    client.send(requestText('GET', '/open'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
  });

  test('a client that leaves is not waited for', async () => {
    await using guarded = await startGuarded(`${UNKEPT}, timeout_seconds: 60`, { front });
    const held = hold(guarded);
    const client = await rawClient(guarded.port);
    client.send(requestText('GET', '/a/left'));
    await until(() => held.asked() === 1);
    client[Symbol.dispose]();
    await guarded.gateway.waitForLog(({ path, outcome }) => path === '/a/left' && outcome === 'client_aborted');
    held.answer(YES());
    guarded.answers = () => YES();
    expect(statusOf(await send(guarded))).toBe(200);
    expect(guarded.upstream.requests).toHaveLength(1);
    expect(guarded.authorizer.connections).toHaveLength(1);
  });
});

describe('while a question waits for a connection', () => {
  const inFlight = async ({ gateway }: Guarded): Promise<number> =>
    Number(/^http_requests_in_flight (\d+)$/m.exec((await get(gateway.adminPort, '/metrics')).body)?.[1]);

  test('it is asked for those that are left, and not at all for nobody', async () => {
    const env = { UPSTREAM_CONNECTIONS: '1', MAX_IN_FLIGHT_PER_CLIENT: 'off' };
    await using guarded = await startGuarded('timeout_seconds: 60', { env });
    const held = hold(guarded);
    using first = await rawClient(guarded.port);
    first.send(requestText('GET', '/a', [as('first')]));
    await until(() => held.asked() === 1);
    const clients: RawConnection[] = [];
    for (const user of ['anna', 'anna', 'ben', 'ben']) {
      const client = await rawClient(guarded.port);
      client.send(requestText('GET', '/a', [as(user)]));
      clients.push(client);
      await until(async () => (await inFlight(guarded)) === 1 + clients.length);
    }
    const [anna, stays, ...bens] = clients as [RawConnection, RawConnection, ...RawConnection[]];
    for (const client of [anna, ...bens]) client[Symbol.dispose]();
    await until(async () => (await inFlight(guarded)) === 2);
    guarded.answers = () => YES();
    held.answer(YES());
    expect(statusOf(await messageAt(first, 0))).toBe(200);
    expect(statusOf(await messageAt(stays, 0))).toBe(200);
    stays[Symbol.dispose]();
    await until(async () => (await inFlight(guarded)) === 0);
    const asked = guarded.authorizer.requests.map((request) => valueOf(request, 'authorization'));
    expect(asked).toEqual(['Bearer first', 'Bearer anna']);
    // Somebody who comes later is asked for anew.
    expect(statusOf(await send(guarded, [as('ben')]))).toBe(200);
  });
});

// uWebSockets.js does neither: see test/fronts/differences.ts.
describe.each(['native', 'public'] as const)('while it is asked (%s alone)', (front) => {
  test('a client that waits to be told to send its body is not, before it may', async () => {
    await using guarded = await startGuarded(UNKEPT, { front });
    guarded.answers = () => NO();
    const request = requestText('POST', '/a', ['Content-Length: 5', 'Expect: 100-continue']);
    const answer = await ask(guarded.port, request);
    expect(answer.startLine).toBe('HTTP/1.1 401 Unauthorized');
    guarded.answers = () => YES();
    using client = await rawClient(guarded.port);
    client.send(request);
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    await client.until('HTTP/1.1 200');
    expect(guarded.upstream.requests.at(-1)?.body).toBe('hello');
  });

  test('answers keep the order of the requests on a connection', async () => {
    await using guarded = await startGuarded(`cache_seconds: 60, timeout_seconds: 60`, { front });
    expect(statusOf(await send(guarded, [as('known')], '/a/2'))).toBe(200);
    const held = hold(guarded);
    using client = await rawClient(guarded.port);
    client.send(
      requestText('GET', '/a/1', [as('new')]) +
        requestText('GET', '/a/2', [as('known')]) +
        requestText('GET', '/open/3'),
    );
    await until(() => held.asked() === 1);
    await quietFor(50, 'the others could have been answered');
    expect(client.received()).toBe('');
    held.answer(NO());
    expect(statusOf(await messageAt(client, 0))).toBe(401);
    expect(statusOf(await messageAt(client, 1))).toBe(200);
    expect(statusOf(await messageAt(client, 2))).toBe(200);
  });
});

describe('what it has said', () => {
  test('holds for equal requests of the same caller, and for no other', async () => {
    await using guarded = await startGuarded('cache_seconds: 3600, copy: [x-user]');
    guarded.answers = (request) => {
      const user = valueOf(request, 'authorization')?.slice(7);
      return user === 'mallory' ? NO() : YES([`X-User: ${user}`]);
    };
    const userOf = async (user: string): Promise<string | undefined> => {
      expect(statusOf(await send(guarded, [as(user)]))).toBe(200);
      return valueOf(guarded.upstream.requests.at(-1) as Message, 'x-user');
    };
    for (let n = 0; n < 3; n++) for (const user of ['anna', 'ben']) expect(await userOf(user)).toBe(user);
    expect(guarded.authorizer.requests).toHaveLength(2);
    expect(statusOf(await send(guarded, [as('mallory')]))).toBe(401);
    // Everything that it was told counts.
    let asked = guarded.authorizer.requests.length;
    const other: (readonly [string, string, readonly string[]])[] = [
      ['GET', '/a/b', [as('anna')]],
      ['GET', '/a?x', [as('anna')]],
      ['HEAD', '/a', [as('anna')]],
      ['GET', '/a', [as('anna'), 'Cookie: a']],
      ['GET', '/a', ['Cookie: a']],
    ];
    for (const [method, target, fields] of other) {
      for (let n = 0; n < 2; n++) await ask(guarded.port, requestText(method, target, fields));
      expect([method, target, fields, guarded.authorizer.requests.length]).toEqual([method, target, fields, ++asked]);
    }
    using elsewhere = await rawClient(guarded.port, '127.0.0.9');
    elsewhere.send(requestText('GET', '/a', [as('anna')]));
    expect(statusOf(await messageAt(elsewhere, 0))).toBe(200);
    expect(guarded.authorizer.requests).toHaveLength(asked + 1);
    const { body } = await get(guarded.gateway.adminPort, '/metrics');
    expect(body).toContain('authorizer_cache_hits_total{route="a"} 9');
  });

  test('holds for requests that are equal in what cache_by names', async () => {
    await using guarded = await startGuarded('cache_seconds: 3600, cache_by: [authorization]');
    for (const target of ['/a', '/a/b', '/a?c']) expect(statusOf(await send(guarded, [as('anna')], target))).toBe(200);
    expect(statusOf(await send(guarded, [as('anna'), 'Cookie: x']))).toBe(200);
    expect(guarded.authorizer.requests).toHaveLength(1);
    expect(statusOf(await send(guarded, [as('ben')]))).toBe(200);
    // Without it nothing says whose the answer is.
    for (let n = 0; n < 2; n++) expect(statusOf(await send(guarded, ['Cookie: x']))).toBe(200);
    expect(guarded.authorizer.requests).toHaveLength(4);
  });

  test.each([
    ['it forbids that', [as('a')], () => YES(['Cache-Control: private, no-store'])],
    ['it forbids that of a no', [as('a')], () => NO(['Cache-Control: no-cache'])],
    ['a no begins a session', [as('a')], () => NO(['Set-Cookie: s=1'])],
    ['nobody says who he is', [], () => YES()],
    ['it is none', [as('a')], () => answerText('', [], '503 Later')],
  ])('holds for one request where %s', async (_why, fields, answer) => {
    await using guarded = await startGuarded('cache_seconds: 3600, negative_cache_seconds: 3600');
    guarded.answers = answer;
    for (let n = 0; n < 3; n++) await send(guarded, fields);
    expect(guarded.authorizer.requests).toHaveLength(3);
  });

  test('holds so long, a no and a yes each as the route says', async () => {
    await using guarded = await startGuarded('cache_seconds: 0.3, negative_cache_seconds: 3600');
    guarded.answers = () => NO();
    for (let n = 0; n < 3; n++) expect((await send(guarded, [as('mallory')])).body).toBe('no\n');
    expect(guarded.authorizer.requests).toHaveLength(1);
    guarded.answers = () => YES();
    expect(statusOf(await send(guarded, [as('anna')]))).toBe(200);
    const asked = guarded.authorizer.requests.length;
    guarded.answers = () => NO();
    await until(async () => statusOf(await send(guarded, [as('anna')])) === 401);
    expect(guarded.authorizer.requests).toHaveLength(asked + 1);
  });
});

describe('a thousand equal requests at once', () => {
  /** Opens connections and sends one request on each. */
  async function crowd(guarded: Guarded, fields: readonly string[]): Promise<RawConnection[]> {
    const clients: RawConnection[] = [];
    for (let n = 0; n < 1_000; n++) clients.push(await rawClient(guarded.port));
    for (const client of clients) client.send(requestText('GET', '/a', fields));
    return clients;
  }
  const inFlight = (guarded: Guarded): Promise<number> =>
    get(guarded.gateway.adminPort, '/metrics').then(({ body }) =>
      Number(/^http_requests_in_flight (\d+)$/m.exec(body)?.[1]),
    );

  test('ask once; some that leave change nothing for the others', async () => {
    await using guarded = await startGuarded('timeout_seconds: 60', { env: { MAX_IN_FLIGHT_PER_CLIENT: 'off' } });
    const held = hold(guarded);
    const clients = await crowd(guarded, [as('anna')]);
    await eventually(async () => (await inFlight(guarded)) === 1_000, 'all are under way');
    for (const client of clients.splice(0, 300)) client[Symbol.dispose]();
    await eventually(async () => (await inFlight(guarded)) === 700, 'those that left are over');
    expect(held.asked()).toBe(1);
    held.answer(YES());
    for (const client of clients) expect(statusOf(await messageAt(client, 0))).toBe(200);
    expect(guarded.authorizer.requests).toHaveLength(1);
    expect(guarded.upstream.requests).toHaveLength(700);
    for (const client of clients) client[Symbol.dispose]();
  });

  test('each ask for themselves where the answer was for one of them', async () => {
    await using guarded = await startGuarded('timeout_seconds: 60', { env: { MAX_IN_FLIGHT_PER_CLIENT: 'off' } });
    const held = hold(guarded);
    const clients = await crowd(guarded, [as('once')]);
    await eventually(async () => (await inFlight(guarded)) === 1_000, 'all are under way');
    expect(held.asked()).toBe(1);
    guarded.answers = () => NO(['Cache-Control: no-store']);
    held.answer(YES(['Cache-Control: no-store']));
    const statuses: number[] = [];
    for (const client of clients) statuses.push(statusOf(await messageAt(client, 0)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(999);
    expect(guarded.authorizer.requests).toHaveLength(1_000);
    for (const client of clients) client[Symbol.dispose]();
  });
});
