import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dnsServer } from '../support/dns.ts';
import type { DnsServer } from '../support/dns.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/wait.ts';

const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

let dns: DnsServer;
let upstream: Awaited<ReturnType<typeof httpUpstream>>;
/** Addresses of this machine that connections came to. */
let reached: string[];
/** Values of Host. */
let hosts: string[];
beforeEach(async () => {
  [reached, hosts] = [[], []];
  dns = await dnsServer({ 'good.test': ['127.0.0.1'] });
  upstream = await httpUpstream(
    (request, response) => {
      reached.push(request.socket.localAddress ?? '');
      hosts.push(request.headers.host ?? '');
      response.setHeader('connection', 'close').end('ok');
    },
    {},
    '0.0.0.0',
  );
});
afterEach(async () => {
  await upstream[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

/** Each route goes to the upstream of its name, whose breaker opens at the first failure. */
function start(names: Readonly<Record<string, string>>, timeouts = '{}', workers = '1'): Promise<Gateway> {
  const upstreams = Object.entries(names).map(
    ([name, host]) =>
      `  ${name}: { url: "http://${host}:${upstream.port}", circuit_breaker: { failure_threshold: 1 } }`,
  );
  const routes = Object.keys(names).map((name) => `  - { path: /${name}, upstream: ${name}, timeouts: ${timeouts} }`);
  return startGateway({
    env: { GATEWAY_TEST_DNS: dns.address, ACCESS_LOG: 'off', WORKERS: workers },
    yaml: ['upstreams:', ...upstreams, 'routes:', ...routes, ''].join('\n'),
  });
}

const codeOf = ({ body }: { readonly body: string }): string | undefined =>
  body.startsWith('{') ? (JSON.parse(body) as { code?: string }).code : undefined;

async function breakers({ adminPort }: Gateway): Promise<Record<string, string>> {
  const { body } = await get(adminPort, '/admin/status');
  const all = (JSON.parse(body) as { breakers: { upstream: string; state: string }[] }).breakers;
  return Object.fromEntries(all.map((each) => [each.upstream, each.state]));
}

describe('a name that DNS does not answer', () => {
  it.each([
    ['the look-up ends first', '{}'],
    ['the time-out for connecting ends first', '{ connect_seconds: 0.3 }'],
    ['the time-out for the header ends first', '{ response_headers_seconds: 0.3 }'],
    ['the time-out of the whole exchange ends first', '{ total_seconds: 0.3 }'],
  ])('does not touch another upstream, nor its own breaker: %s', async (_name, timeouts) => {
    dns.names.set('silent.test', 'silent');
    await using gateway = await start({ silent: 'silent.test.', good: 'good.test.' }, timeouts);
    const lost = Array.from({ length: 8 }, () => get(gateway.port, '/silent'));
    await eventually(() => dns.questions.some((each) => each.startsWith('silent')), 'the name is asked for');
    const good = await Promise.all(Array.from({ length: 8 }, () => get(gateway.port, '/good')));
    expect(good.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const answers = await Promise.all(lost);
    expect(answers.map((answer) => [answer.status, codeOf(answer)])).toEqual(
      Array.from({ length: 8 }, () => [502, 'upstream_unresolved']),
    );
    expect(await breakers(gateway)).toEqual({ silent: 'CLOSED', good: 'CLOSED' });
  });
});

describe('names of upstreams', () => {
  it('many requests on two threads are one look-up', async () => {
    await using gateway = await start({ good: 'good.test.' }, '{}', '2');
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(gateway.port, '/good')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(dns.questions.sort()).toEqual(['good.test A', 'good.test AAAA']);
  });

  it('what was found is used while no server answers', async () => {
    dns.ttlSeconds = 1;
    await using gateway = await start({ good: 'good.test.' });
    expect((await get(gateway.port, '/good')).status).toBe(200);
    dns.silent = true;
    const before = dns.questions.length;
    await eventually(async () => {
      expect((await get(gateway.port, '/good')).status).toBe(200);
      return dns.questions.length > before;
    }, 'the name is asked for again');
    for (let i = 0; i < 5; i++) expect((await get(gateway.port, '/good')).status).toBe(200);
  });

  it('all addresses of a name get connections', async () => {
    dns.names.set('many.test', ADDRESSES);
    await using gateway = await start({ many: 'many.test.' });
    for (let i = 0; i < 6; i++) await get(gateway.port, '/many');
    expect(reached.sort()).toEqual([...ADDRESSES, ...ADDRESSES].sort());
  });

  it('an address that refuses is passed over', async () => {
    dns.names.set('half.test', ['::1', '127.0.0.1']);
    await using gateway = await start({ half: 'half.test.' });
    for (let i = 0; i < 4; i++) expect((await get(gateway.port, '/half')).status).toBe(200);
  });

  it('a name that does not exist: 502 upstream_unresolved, and when it does: 200', async () => {
    await using gateway = await start({ late: 'late.test.' });
    expect(codeOf(await get(gateway.port, '/late'))).toBe('upstream_unresolved');
    dns.names.set('late.test', ['127.0.0.1']);
    await eventually(async () => (await get(gateway.port, '/late')).status === 200, 'the name is found');
  });

  it('a dot at the end of a name is not in Host', async () => {
    await using gateway = await start({ good: 'good.test.' });
    await get(gateway.port, '/good');
    expect(hosts).toEqual([`good.test:${upstream.port}`]);
  });
});
