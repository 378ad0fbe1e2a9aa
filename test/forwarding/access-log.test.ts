import { describe, expect, it } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { LogLine } from '../support/gateway.ts';

const isExchange = (line: LogLine): boolean => line['msg'] === 'exchange';
const lineOf = (pair: Pair, id: string) =>
  pair.gateway.waitForLog((line) => isExchange(line) && line['request_id'] === id);
const get = (pair: Pair, target: string, id: string) =>
  ask(pair.port, requestText('GET', target, [`X-Request-Id: ${id}`]));

describe('access log', () => {
  it('on: a line for each exchange, with everything but the query', async () => {
    await using pair = await startPair({ env: { ACCESS_LOG: 'on', TRUSTED_PROXIES: '127.0.0.1' } });
    pair.answers.set('/a/b', () => answerText('twelve bytes', [], '201 Created'));
    const request = requestText('POST', '/proxy/x/../a/./b?token=secret', [
      'X-Request-Id: one',
      'X-Forwarded-For: 192.0.2.7',
      'Content-Length: 3',
    ]);
    await ask(pair.port, `${request}abc`);
    const line = await lineOf(pair, 'one');
    expect(line).toMatchObject({
      level: 'info',
      client: '192.0.2.7',
      method: 'POST',
      path: '/proxy/a/b',
      route: 'proxy',
      status: 201,
      bytes_received: 3,
      bytes_sent: 12,
      target: `http://127.0.0.1:${pair.upstream.port}`,
      outcome: 'ok',
    });
    const [total, upstream] = [Number(line['duration_ms']), Number(line['upstream_ms'])];
    expect(upstream).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(upstream);
    expect(total).toBeLessThan(5_000);

    expect(statusOf(await get(pair, '/nowhere', 'two'))).toBe(404);
    expect(await lineOf(pair, 'two')).toMatchObject({ status: 404, outcome: 'no_route', upstream_ms: -1, target: '' });

    pair.answers.set('/cut', (_request, { socket }) => (socket.destroy(), ''));
    expect(statusOf(await get(pair, '/proxy/cut', 'three'))).toBe(502);
    expect(await lineOf(pair, 'three')).toMatchObject({ status: 502, outcome: 'upstream_reset' });

    pair.answers.set('/never', () => '');
    const client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/never', ['X-Request-Id: four']));
    while (pair.requestsFor('/never').length === 0) await new Promise((turn) => setTimeout(turn, 5));
    client.socket.destroy();
    expect(await lineOf(pair, 'four')).toMatchObject({ outcome: 'client_aborted' });

    expect(JSON.stringify(pair.gateway.log)).not.toContain('secret');
    expect(pair.gateway.log.filter(isExchange)).toHaveLength(4);
  });

  it('off: none, not even for failures', async () => {
    await using pair = await startPair({ env: { ACCESS_LOG: 'off' } });
    pair.answers.set('/cut', (_request, { socket }) => (socket.destroy(), ''));
    await get(pair, '/proxy/fine', 'a');
    await get(pair, '/proxy/cut', 'b');
    await pair.gateway.stop();
    expect(pair.gateway.log.filter(isExchange)).toEqual([]);
  });

  it('sampled: one in N of what went well, and every failure', async () => {
    await using pair = await startPair({ env: { ACCESS_LOG: 'sampled:10' } });
    pair.answers.set('/500', () => answerText('', [], '500 Internal Server Error'));
    pair.answers.set('/bad', () => 'nonsense\r\n\r\n');
    using client = await rawClient(pair.port);
    for (let i = 0; i < 30; i++) {
      client.send(requestText('GET', '/proxy/fine'));
      await messageAt(client, i);
    }
    await get(pair, '/proxy/500', 'x');
    await get(pair, '/proxy/bad', 'y');
    expect(await lineOf(pair, 'x')).toMatchObject({ status: 500, outcome: 'ok' });
    expect(await lineOf(pair, 'y')).toMatchObject({ status: 502, outcome: 'upstream_bad_response' });
    await pair.gateway.stop();
    expect(pair.gateway.log.filter(isExchange).filter((line) => line['path'] === '/proxy/fine')).toHaveLength(3);
  });
});
