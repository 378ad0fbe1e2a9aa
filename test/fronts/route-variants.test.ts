import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';

/** `/strict-N` is limited to one request, everything else is not limited. */
const yamlFor = (port: number): string => `
upstreams:
  app: { url: "http://127.0.0.1:${port}" }
routes:
  - { path: /, upstream: app, name: loose }
${Array.from(
  { length: 11 },
  (_, i) =>
    `  - { exact: /strict-${i}, upstream: app, methods: [GET], ignore_case: true, ignore_trailing_slash: true, ` +
    'limits: [{ capacity: 1, refill_per_second: 0.000001 }] }',
).join('\n')}
  - { path: /literal, upstream: app, limits: [{ capacity: 1, refill_per_second: 0.000001 }] }
`;

describeFronts('other ways to ask for a strict route', (front) => {
  let upstream: RecordingUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await recordingUpstream();
    gateway = await startGateway({ front, yaml: yamlFor(upstream.port), env: { ACCESS_LOG: 'off' } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  const status = async (method: string, target: string): Promise<number> =>
    statusOf(await ask(gateway.port, requestText(method, target)));

  test.each([
    ['HEAD', '/strict-0'],
    ['GET', '/STRICT-1'],
    ['GET', '/strict-2/'],
    ['GET', '/strict-3;v=1'],
    ['GET', '/strict-4%3Bv=1'],
    ['HEAD', '/Strict-5/;x'],
    ['GET', '/%73trict-6'],
    ['GET', '/x/../strict-7?a'],
    ['GET', '/strict-8%2F'],
    ['get', '/strict-9'],
  ])('%s %s has its limits, and is forwarded as it came', async (method, target) => {
    const path = /strict-\d+/i.exec(decodeURIComponent(target))?.[0].toLowerCase() ?? '';
    expect(await status('GET', `/${path}`)).toBe(200);
    expect(await status(method, target)).toBe(429);
  });

  test('what is forwarded is what came', async () => {
    expect(await status('GET', '/STRICT-10;v=1/')).toBe(200);
    expect(upstream.requests.at(-1)?.startLine).toBe('GET /STRICT-10;v=1/ HTTP/1.1');
  });

  test('case matters where nobody says otherwise', async () => {
    expect([
      await status('GET', '/literal'),
      await status('GET', '/literal;a/b'),
      await status('GET', '/LITERAL'),
    ]).toEqual([200, 429, 200]);
  });
});
