import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { LoadPlan } from './plan.ts';
import { runNewConnections } from './new-connections.ts';

async function serving(answer: RequestListener): Promise<{ port: number; accepted: () => number } & AsyncDisposable> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  let accepted = 0;
  server.on('connection', () => accepted++);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const planFor = (port: number): LoadPlan => ({
  request: { name: 't', method: 'GET', requestBody: undefined, headers: { Connection: 'close' }, newConnections: true },
  url: `http://127.0.0.1:${port}/x`,
  seconds: 0.2,
  connections: 4,
});

describe('runNewConnections', () => {
  it('opens a connection for each request, and counts each answer', async () => {
    let asked = 0;
    await using server = await serving((_, res) => {
      asked++;
      res.end('here');
    });
    const seen = await runNewConnections(planFor(server.port), () => {});
    expect(seen).toMatchObject({ requests: asked, errors: 0, statuses: { '200': asked }, problems: [] });
    expect(server.accepted()).toBe(asked);
    expect(asked).toBeGreaterThan(4);
  });

  it('does not take an answer that is cut off for one', async () => {
    await using server = await serving((_, res) => {
      res.writeHead(200, { 'Content-Length': 10 }).write('half', () => res.destroy());
    });
    const seen = await runNewConnections(planFor(server.port), () => {});
    expect(seen).toMatchObject({ requests: 0, statuses: {} });
    expect(seen.errors).toBeGreaterThan(0);
  });
});
