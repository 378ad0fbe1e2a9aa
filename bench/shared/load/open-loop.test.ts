import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { OpenLoop, requestBytes } from './open-loop.ts';
import type { LoadPlan, LoadRequest } from './plan.ts';

const request: LoadRequest = { name: 'test', method: 'GET', requestBody: undefined };
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const plan = (url: string, more: Partial<LoadPlan>): LoadPlan => ({
  request,
  url,
  seconds: 1,
  connections: 4,
  ratePerSecond: 200,
  ...more,
});

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

describe('OpenLoop', () => {
  it('sends at the rate and tells what came back, in slices too', async () => {
    const keys = new Set<unknown>();
    const url = await serve((req, res) => {
      keys.add(req.headers['x-client']);
      res.writeHead(keys.size > 2 ? 429 : 200).end('ok');
    });
    const rotated = { header: 'x-client', count: 5 };
    const more = { request: { ...request, rotated, countStatuses: true }, timelineMs: 100 };
    const seen = await new OpenLoop(plan(url, more)).run(() => {});
    expect(seen.requests).toBeGreaterThanOrEqual(199);
    expect(seen.requests).toBeLessThanOrEqual(200);
    expect(keys.size).toBe(5);
    expect(seen).toMatchObject({ statuses: { '200': 2, '429': seen.requests - 2 }, errors: 0, problems: [] });
    const inSlices = seen.timeline.flatMap(({ statuses }) => Object.values(statuses));
    expect(inSlices.reduce((sum, count) => sum + count, 0)).toBe(seen.requests);
    expect(seen.timeline.map(({ atMs }) => atMs).slice(0, 3)).toEqual([0, 100, 200]);
  });

  it('charges a stall to every request it held up, also those it kept from being sent', async () => {
    let stalledUntilMs = 0;
    const url = await serve((_req, res) => {
      stalledUntilMs ||= performance.now() + 500;
      setTimeout(() => res.end('ok'), stalledUntilMs - performance.now());
    });
    const seen = await new OpenLoop(plan(url, { connections: 2 })).run(() => {});
    // For half of its time nothing was answered, so about half of all requests waited, on average half of the stall.
    expect(seen.requests).toBeGreaterThanOrEqual(199);
    expect(seen.maxUs).toBeGreaterThan(450_000);
    expect(seen.p90Us).toBeGreaterThan(300_000);
  });

  it('counts what was cut off or refused, and goes on', async () => {
    let count = 0;
    const url = await serve((_req, res) => {
      if (++count % 10 === 0) res.destroy();
      else res.end('ok');
    });
    const seen = await new OpenLoop(plan(url, { timelineMs: 250 })).run(() => {});
    expect(seen.errors).toBe(Math.floor(count / 10));
    expect(seen.errors + seen.requests).toBe(count);
    expect(seen.problems).toEqual([`requests without an answer: ${seen.errors}`]);
    expect(seen.timeline.reduce((sum, { errors }) => sum + errors, 0)).toBe(seen.errors);
  });

  it('deals its connections out over several nodes', async () => {
    const counts = { first: 0, second: 0 };
    const first = await serve((_req, res) => res.end(String(++counts.first)));
    const other = server;
    const second = await serve((_req, res) => res.end(String(++counts.second)));
    const seen = await new OpenLoop(plan(first, { moreUrls: [second] })).run(() => {});
    other?.closeAllConnections();
    other?.close();
    expect(counts.first + counts.second).toBe(seen.requests);
    expect(Math.min(counts.first, counts.second)).toBeGreaterThan(seen.requests / 4);
  });

  it('comes from several addresses', async () => {
    const seen = new Set<unknown>();
    const url = await serve((req, res) => {
      seen.add(req.socket.remoteAddress);
      res.end();
    });
    const fromAddresses = ['127.0.0.11', '127.0.0.12'];
    await new OpenLoop(plan(url, { fromAddresses, seconds: 0.2 })).run(() => {});
    expect(seen).toEqual(new Set(fromAddresses));
  });

  it('fails all requests of a server that is not there', async () => {
    const url = await serve((_req, res) => res.end());
    server?.close();
    const seen = await new OpenLoop(plan(url, { seconds: 0.1, ratePerSecond: 100, timeoutMs: 300 })).run(() => {});
    expect(seen).toMatchObject({ requests: 0 });
    expect(seen.problems).toContain('no request was answered');
  });
});

describe('requestBytes', () => {
  it('has the fields, the body and its length', () => {
    const post: LoadRequest = { name: 'p', method: 'POST', requestBody: 'ä!', headers: { 'X-A': '1' } };
    expect(requestBytes(post, new URL('http://h:1/p?q'), 0).toString()).toBe(
      'POST /p?q HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nä!',
    );
  });
});
