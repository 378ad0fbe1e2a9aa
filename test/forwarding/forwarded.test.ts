import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, recordingUpstream, requestText, valueOf } from '../support/http.ts';
import type { Message, RecordingUpstream } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

const yamlFor = (port: number): string => `
upstreams:
  app: { url: "http://127.0.0.1:${port}/base" }
routes:
  - { path: /keeps-host, upstream: app, preserve_host: true }
  - { path: /, upstream: app, name: rest }
`;

let upstream: RecordingUpstream;
let open: Gateway;
let behindProxy: Gateway;
beforeAll(async () => {
  upstream = await recordingUpstream();
  const yaml = yamlFor(upstream.port);
  [open, behindProxy] = await Promise.all([
    startGateway({ yaml, env: FORWARDING_ONLY }),
    startGateway({ yaml, env: { ...FORWARDING_ONLY, TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' } }),
  ]);
});
afterAll(async () => {
  await Promise.all([open[Symbol.asyncDispose](), behindProxy[Symbol.asyncDispose]()]);
  await upstream[Symbol.asyncDispose]();
});

async function seen(gateway: Gateway, fields: readonly string[], target = '/x'): Promise<Message> {
  await ask(gateway.port, requestText('GET', target, fields));
  const request = upstream.requests.at(-1);
  if (request === undefined) throw new Error('nothing reached the upstream');
  return request;
}
const addressesOf = (request: Message) =>
  ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'].map((name) => valueOf(request, name));

const CLAIMS = [
  'X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: shop.example',
];

describe('what the upstream is told about the client', () => {
  it('without claims: the peer, the scheme and the Host it asked for', async () => {
    expect(addressesOf(await seen(open, []))).toEqual(['127.0.0.1', 'http', 'gateway.test']);
  });

  it('claims of a stranger are not believed and not passed on', async () => {
    const request = await seen(open, [...CLAIMS, 'Forwarded: for=6.6.6.6']);
    expect(addressesOf(request)).toEqual(['127.0.0.1', 'http', 'gateway.test']);
    expect(request.raw).not.toContain('6.6.6.6');
  });

  it('a trusted proxy is believed, from the right, up to the first stranger', async () => {
    const request = await seen(behindProxy, CLAIMS);
    expect(addressesOf(request)).toEqual(['203.0.113.9, 10.1.2.3, 127.0.0.1', 'https', 'shop.example']);
  });

  it('several X-Forwarded-For fields are one list', async () => {
    const request = await seen(behindProxy, ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 198.51.100.7']);
    expect(addressesOf(request)[0]).toBe('198.51.100.7, 127.0.0.1');
  });

  it('what is no address ends the chain; what is no scheme is not passed on', async () => {
    const request = await seen(behindProxy, ['X-Forwarded-For: <script>, 10.9.9.9', 'X-Forwarded-Proto: javascript']);
    expect(addressesOf(request)).toEqual(['10.9.9.9, 127.0.0.1', 'http', 'gateway.test']);
  });

  it('a trusted proxy without claims is itself the client', async () => {
    expect(addressesOf(await seen(behindProxy, []))).toEqual(['127.0.0.1', 'http', 'gateway.test']);
  });
});

describe('Host and base path', () => {
  it('Host is the target’s, and the target’s path stands before the forwarded one', async () => {
    const request = await seen(open, [], '/a/b?c');
    expect(request.startLine).toBe('GET /base/a/b?c HTTP/1.1');
    expect(valueOf(request, 'host')).toBe(`127.0.0.1:${upstream.port}`);
  });

  it('preserve_host sends the client’s', async () => {
    const request = await seen(open, [], '/keeps-host/a');
    expect(request.startLine).toBe('GET /base/keeps-host/a HTTP/1.1');
    expect(valueOf(request, 'host')).toBe('gateway.test');
  });
});
