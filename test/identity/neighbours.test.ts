import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { describeFronts } from '../support/fronts.ts';
import { answerText, ask, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import type { RawConnection } from '../support/raw.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { aKey } from './setup.ts';

const GOOD = aKey('good');
const BAD = aKey('bad');
const CONNECTIONS = 8;

// All of them come from one address, as devices behind one carrier do: only their keys tell them apart.
describeFronts('consumers on one address', (front) => {
  const start = async (behaviour: Parameters<typeof recordingUpstream>[0]) => {
    const upstream = await recordingUpstream(behaviour);
    const gateway = await startGateway({
      front,
      env: { WORKERS: '2', UPSTREAM_CONNECTIONS: String(CONNECTIONS), RATE_LIMIT_CAPACITY: '100000' },
      yaml: `
upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" } }
consumers: { good: { keys: [${GOOD.yaml}] }, bad: { keys: [${BAD.yaml}] } }
routes: [{ path: /, upstream: o, authenticate: [api_key] }]
`,
    });
    const clients: RawConnection[] = [];
    return {
      upstream,
      statusFor: async (key: string, path: string): Promise<number> =>
        statusOf(await ask(gateway.port, requestText('GET', path, [`X-Api-Key: ${key}`]))),
      keep: async (key: string, path: string): Promise<void> => {
        const client = await rawClient(gateway.port);
        clients.push(client);
        client.send(requestText('GET', path, [`X-Api-Key: ${key}`]));
      },
      [Symbol.asyncDispose]: async () => {
        for (const client of clients) client.socket.resetAndDestroy(); // half closed the drain would wait for it
        await gateway[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  };

  test('one that gets nothing but 500s opens the breaker for itself alone', async () => {
    await using setup = await start(({ startLine }) =>
      answerText('', [], startLine.includes('/fail') ? '500 Internal Server Error' : undefined),
    );
    const bad = new Set<number>();
    for (let n = 0; n < 60; n++) bad.add(await setup.statusFor(BAD.key, '/fail'));
    expect(bad).toEqual(new Set([500, 503]));
    for (let n = 0; n < 20; n++) expect(await setup.statusFor(GOOD.key, '/ok')).toBe(200);
  });

  test('one whose requests are never answered leaves connections to the other', async () => {
    await using setup = await start(({ startLine }) => (startLine.includes('/never') ? '' : answerText()));
    for (let n = 0; n < 3 * CONNECTIONS; n++) await setup.keep(BAD.key, '/never');
    await eventually(
      () => setup.upstream.requests.filter(({ startLine }) => startLine.includes('/never')).length >= CONNECTIONS - 1,
      'it has all it can get',
    );
    for (let n = 0; n < 5; n++) expect(await setup.statusFor(GOOD.key, '/ok')).toBe(200);
  });
});
