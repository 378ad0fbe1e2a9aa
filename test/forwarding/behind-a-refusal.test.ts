import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { ask, requestText, statusOf, takeMessage } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

const BEHIND = requestText('GET', '/proxy/evil');
const post = (...fields: readonly string[]): string => requestText('POST', '/proxy/refused', fields);

/** Refused with an answer after which the connection carries no further request. */
const REFUSED: readonly (readonly [name: string, request: string, status: number])[] = [
  ['two differing lengths', `${post('Content-Length: 5', 'Content-Length: 6')}hello`, 400],
  ['a Host with a path', 'GET /proxy/x HTTP/1.1\r\nHost: a.example/b\r\n\r\n', 400],
  ['a target that climbs above the root', requestText('GET', '/proxy/../../x'), 400],
  ['a bad Host on a probe', 'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
  ['a header that is too large', requestText('GET', '/proxy/x', [`X-Long: ${'x'.repeat(5_000)}`]), 431],
  ['a body that is too long', post('Content-Length: 2000') + 'b'.repeat(2000), 413],
];

describeFronts('a refusal that ends its connection, and a request behind it in the same segment', (front) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { MAX_BODY_BYTES: '1000', MAX_HEADER_BYTES: '4096' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it.each(REFUSED)('%s', async (_name, request, status) => {
    for (const behind of [BEHIND, BEHIND + BEHIND, `${post('Content-Length: 4')}evil`]) {
      using client = await rawClient(pair.port);
      client.send(request + behind);
      const text = await client.closed();
      // uWebSockets.js closes without an answer when it finds a request behind one that is not answered.
      expect(text).toMatch(new RegExp(`^(?:|HTTP/1.1 ${status} [^]*)$`));
      expect(text.length, 'one answer at most').toBe(takeMessage(text)?.raw.length ?? 0);
    }
    // Whatever would have gone to the upstream has arrived when this one is answered.
    expect(statusOf(await ask(pair.port, requestText('GET', '/proxy/good')))).toBe(200);
    expect(pair.requestsFor('/evil').length + pair.requestsFor('/refused').length, 'served behind it').toBe(0);
  });

  it.each(REFUSED)('%s, with nothing behind it: the answer', async (_name, request, status) => {
    using client = await rawClient(pair.port);
    client.send(request);
    expect(takeMessage(await client.closed())?.startLine).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});
