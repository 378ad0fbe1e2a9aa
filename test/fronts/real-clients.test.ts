import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { toolScript } from '../../scripts/setup/run-tool.mjs';
import { describeFronts } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { eventually } from '../support/wait.ts';
import { rulesOn } from './differences.ts';
import { isInstalled, output, startProxy } from './programs.ts';

const CLIENTS = ['curl', 'ab', 'wrk', 'java', 'javac', 'python3', 'perl', 'go', 'nginx', 'haproxy'] as const;
const script = (name: string): string => join(import.meta.dirname, 'clients', name);

const BODY = 'curl'.repeat(20_000);
/** It lives for three requests: what compiles best and collects garbage in parallel does not pay. */
const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
/** What each of the small programs prints for three good answers. */
const GOOD = /^(?:200 (?:true|True)\n)+$/;

/** What is compiled is so once, for all fronts. */
const programs = mkdtempSync(join(tmpdir(), 'gateway-test-clients-'));
const hasJava = isInstalled('java') && isInstalled('javac');
const hasGo = isInstalled('go');
const goProgram = join(programs, 'real_client');

let upstream: Server;
/** Request lines that came to the upstream. */
const seen: string[] = [];
beforeAll(async () => {
  const left = CLIENTS.filter((program) => !isInstalled(program));
  if (left.length > 0) process.stdout.write(`real clients: not on this machine: ${left.join(', ')}\n`);
  if (hasJava) await output('javac', ['-d', programs, script('RealClient.java')]);
  if (hasGo) await output('go', ['build', '-o', goProgram, script('real_client.go')]);
  upstream = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url === '/echo') request.pipe(response);
    else request.resume().once('end', () => response.end('hello'));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
  rmSync(programs, { recursive: true, force: true });
});

describeFronts('clients that people use', (front) => {
  const rule = rulesOn(front);
  let gateway: Gateway;
  beforeAll(async () => {
    const { port } = upstream.address() as AddressInfo;
    gateway = await startGateway({
      front,
      env: { ...FORWARDING_ONLY, UPSTREAM_URL: `http://127.0.0.1:${port}` },
      yaml: 'routes:\n  - { path: /proxy, upstream: default, strip_prefix: true }\n  - { path: /, upstream: default }\n',
    });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const hello = (): string => `${gateway.url}/proxy/hello`;
  const echo = (): string => `${gateway.url}/proxy/echo`;
  const port = (): string => String(gateway.port);

  describe.runIf(isInstalled('curl'))('curl', () => {
    const curl = (args: readonly string[], input?: string): Promise<string> => output('curl', ['-sSf', ...args], input);
    rule('client-curl', 'GET, and a POST with a length', async () => {
      expect(await curl([hello(), hello()])).toBe('hellohello');
      expect(await curl(['--data-binary', '@-', echo()], BODY)).toBe(BODY);
    });
    rule('chunked', 'an upload in chunks', async () => {
      expect(await curl(['-T', '-', '-X', 'POST', echo()], BODY)).toBe(BODY);
    });
    rule('upgrade', '--http2', async () => {
      expect(await curl(['--http2', hello(), hello()])).toBe('hellohello');
      expect(await curl(['--http2', '-d', 'a=1', echo(), '--next', '-d', 'b=2', echo()])).toBe('a=1b=2');
    });
    rule('http-1.0', '--http1.0', async () => {
      expect(await curl(['--http1.0', hello()])).toBe('hello');
      expect(await curl(['--http1.0', '--data-binary', '@-', echo()], BODY)).toBe(BODY);
    });
    rule('absolute-form', 'with the gateway as its proxy', async () => {
      expect(await curl(['-x', gateway.url, hello()])).toBe('hello');
    });
  });

  describe.runIf(isInstalled('ab'))('ab', () => {
    for (const args of [[], ['-k']]) {
      rule('http-1.0', `ab ${args.join(' ')}`, async () => {
        const text = await output('ab', ['-n', '200', '-c', '4', ...args, hello()]);
        expect(text).toMatch(/Complete requests: +200\n/);
        expect(text).toMatch(/Failed requests: +0\n/);
        expect(text).not.toContain('Non-2xx');
      });
    }
  });

  rule('pipelining', 'autocannon -p 10', async () => {
    const args = ['-c', '10', '-p', '10', '-a', '2000', '--json', hello()];
    const text = await output(process.execPath, [toolScript('autocannon'), ...args]);
    const result = JSON.parse(text.slice(text.indexOf('{'))) as Record<
      'errors' | 'timeouts' | 'non2xx' | '2xx',
      number
    >;
    const { errors, timeouts, non2xx } = result;
    expect([errors, timeouts, non2xx]).toEqual([0, 0, 0]);
    expect(result['2xx']).toBeGreaterThan(1_900); // it stops without waiting for the last answer of each connection
  });

  describe.runIf(isInstalled('wrk'))('wrk', () => {
    rule('pipelining', 'with a script that pipelines', async () => {
      const text = await output('wrk', ['-t1', '-c4', '-d1s', '-s', script('pipeline.lua'), hello()]);
      expect(Number(/(\d+) requests in/.exec(text)?.[1])).toBeGreaterThan(100);
      expect(text).not.toMatch(/Socket errors|Non-2xx/);
    });
  });

  describe.runIf(hasJava)('Java', () => {
    for (const [id, mode] of [
      ['client-java', 'get'],
      ['client-java', 'post'],
      ['expect-case', 'expect'],
      ['chunked', 'chunked'],
    ] as const) {
      rule(id, mode, async () => {
        expect(await output('java', [...QUICK_JVM, '-cp', programs, 'RealClient', gateway.url, mode])).toMatch(GOOD);
      });
    }
  });

  describe.runIf(isInstalled('python3'))('Python', () => {
    for (const [id, mode] of [
      ['client-python', 'get'],
      ['client-python', 'post'],
      ['chunked', 'chunked'],
    ] as const) {
      rule(id, mode, async () => {
        expect(await output('python3', [script('real_client.py'), port(), mode])).toMatch(GOOD);
      });
    }
  });

  describe.runIf(isInstalled('perl'))('Perl', () => {
    rule('client-perl', 'HTTP::Tiny', async () => {
      expect(await output('perl', [script('real_client.pl'), gateway.url, 'HTTP::Tiny'])).toMatch(GOOD);
    });
    rule('client-perl', 'LWP, where it is installed', async () => {
      const library = await output('perl', ['-MLWP', '-e', 'print "LWP"']).catch(() => 'none');
      if (library !== 'LWP') process.stdout.write('real clients: not on this machine: LWP\n');
      else expect(await output('perl', [script('real_client.pl'), gateway.url, library])).toMatch(GOOD);
    });
  });

  describe.runIf(hasGo)('Go', () => {
    for (const [id, mode] of [
      ['client-go', 'get'],
      ['client-go', 'post'],
      ['chunked', 'chunked'],
    ] as const) {
      rule(id, mode, async () => {
        expect(await output(goProgram, [gateway.url, mode])).toMatch(GOOD);
      });
    }
  });

  describe.runIf(isInstalled('nginx'))('nginx before it', () => {
    const nginx = (extra: string) =>
      startProxy(
        'nginx',
        (file) => ['-c', file, '-p', join(file, '..'), '-e', 'stderr'],
        (listen, folder) => `
daemon off; pid ${folder}/pid; worker_processes 1; error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off; client_body_buffer_size 1m; proxy_max_temp_file_size 0;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  upstream gateway { server 127.0.0.1:${gateway.port}; keepalive 4; }
  server { listen 127.0.0.1:${listen}; location / { proxy_pass http://gateway; ${extra} } }
}`,
      );
    for (const [id, name, extra] of [
      ['http-1.0', 'as it is (HTTP/1.0)', ''],
      ['client-nginx', 'with HTTP/1.1 and kept connections', 'proxy_http_version 1.1; proxy_set_header Connection "";'],
    ] as const) {
      rule(id, name, async () => {
        await using proxy = await nginx(extra);
        for (let i = 0; i < 5; i++) {
          const answer = await fetch(`${proxy.url}/proxy/hello`);
          expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
          const echoed = await fetch(`${proxy.url}/proxy/echo`, { method: 'POST', body: BODY });
          expect([echoed.status, (await echoed.text()) === BODY]).toEqual([200, true]);
        }
      });
    }
  });

  describe.runIf(isInstalled('haproxy'))('HAProxy before it', () => {
    rule('http-1.0', 'with its default health check', async () => {
      const before = seen.length;
      await using proxy = await startProxy(
        'haproxy',
        (file) => ['-db', '-f', file],
        (listen) => `
global
  maxconn 100
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
  timeout check 10s
listen all
  bind 127.0.0.1:${listen}
  option httpchk
  server gateway 127.0.0.1:${gateway.port} check inter 100ms fall 1 rise 1
`,
      );
      await eventually(
        () => seen.slice(before).filter((each) => each === 'OPTIONS /').length >= 3,
        'three health checks',
      );
      for (let i = 0; i < 5; i++) {
        const answer = await fetch(`${proxy.url}/proxy/hello`);
        expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
      }
      const echoed = await fetch(`${proxy.url}/proxy/echo`, { method: 'POST', body: BODY });
      expect([echoed.status, (await echoed.text()) === BODY]).toEqual([200, true]);
    });
  });
});
