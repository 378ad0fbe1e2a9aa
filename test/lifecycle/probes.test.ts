import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';

describe('probes, with an upstream that is dead', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ env: { UPSTREAM_URL: `http://127.0.0.1:${await freePort()}` } });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it('the upstream is dead', async () => {
    expect(statusOf(await ask(gateway.port, requestText('GET', '/proxy/ok')))).toBe(502);
  });

  it.each([
    ['/health', 'ok'],
    ['/ready', 'ready'],
  ])('GET %s: 200 and JSON', async (path, status) => {
    const answer = await ask(gateway.port, requestText('GET', path));
    expect(statusOf(answer)).toBe(200);
    expect(valueOf(answer, 'content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(answer.body)).toMatchObject({ status });
    expect(answer.body.endsWith('\n')).toBe(true);
  });

  it.each(['/health', '/ready'])('%s: HEAD as GET without the body, on a connection that goes on', async (path) => {
    const { body } = await ask(gateway.port, requestText('GET', path));
    using client = await rawClient(gateway.port);
    client.send(requestText('HEAD', path));
    const head = await messageAt(client, 0, { withoutBody: true });
    expect([statusOf(head), valueOf(head, 'content-length')]).toEqual([200, String(body.length)]);
    client.send(requestText('HEAD', path));
    expect(statusOf(await messageAt(client, 1, { withoutBody: true }))).toBe(200);
  });

  it.each(['/health', '/ready'])('%s takes no other method: 405 and Allow', async (path) => {
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const answer = await ask(gateway.port, requestText(method, path));
      expect([statusOf(answer), valueOf(answer, 'allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('are exact paths', async () => {
    expect(statusOf(await ask(gateway.port, requestText('GET', '/healthy')))).toBe(404);
    expect(statusOf(await ask(gateway.port, requestText('GET', '/ready/now')))).toBe(404);
    expect(statusOf(await ask(gateway.port, requestText('GET', '/ready?probe=1')))).toBe(200);
  });
});
