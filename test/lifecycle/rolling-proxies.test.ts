import { describe, expect, it } from 'vitest';
import { call } from '../admin/setup.ts';
import { describeFronts } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway, TestFront } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { freePort } from '../support/ports.ts';
import { eventually, until } from '../support/wait.ts';
import { startProxy } from '../fronts/programs.ts';
import type { Proxy } from '../fronts/programs.ts';
import { countingUpstream, numberedLoad } from './numbered-load.ts';
import type { NumberedLoad } from './numbered-load.ts';
import { exitOf } from './run.ts';

/** Whether a proxy keeps its connections to the gateways. */
type Keeping = 'kept' | 'anew';

/** What nginx needs of its own: it repeats nothing that may not be repeated, and tries a gateway again after a second. */
const nginx = (ports: readonly number[], connections: Keeping = 'kept'): Promise<Proxy> =>
  startProxy(
    'nginx',
    (file) => ['-c', file, '-p', '/', '-e', 'stderr'],
    (listen, folder) => `
daemon off; pid ${folder}/pid; worker_processes 1; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  upstream gateways {
    ${ports.map((port) => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`).join('\n    ')}
    ${connections === 'kept' ? 'keepalive 16;' : ''}
  }
  server {
    listen 127.0.0.1:${listen};
    location / {
      proxy_pass http://gateways; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_next_upstream error timeout http_502 http_503;
    }
  }
}`,
  );

/** uWebSockets.js takes no HTTP/1.0, in which HAProxy asks where nothing is said. */
const HTTP_1_1 = 'http-check send ver HTTP/1.1 hdr Host gateway';

const haproxy = (ports: readonly number[], { check, ask = '' }: { check: string; ask?: string }): Promise<Proxy> =>
  startProxy(
    'haproxy',
    (file) => ['-db', '-f', file],
    (listen) => `
global
  maxconn 256
  nbthread 1
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
  timeout check 10s
listen all
  bind 127.0.0.1:${listen}
  option httpchk GET /ready
  ${ask}
${ports.map((port, i) => `  server g${i} 127.0.0.1:${port} check ${check}`).join('\n')}
`,
  );

interface Rolling {
  readonly front: TestFront;
  readonly delaySeconds: number;
  readonly proxy: (ports: readonly number[]) => Promise<Proxy>;
  readonly clients?: number;
  /** What happens between the end of a gateway and its next start. */
  readonly meanwhile?: (load: NumberedLoad) => Promise<unknown>;
}

/** Stops and starts three gateways one after the other. @returns what their clients and their upstream saw */
async function roll({ front, delaySeconds, proxy: before, clients, meanwhile = (load) => load.more(100) }: Rolling) {
  await using upstream = await countingUpstream();
  const gateways: Gateway[] = [];
  const start = (port: number): Promise<Gateway> =>
    startGateway({
      front,
      env: {
        ...FORWARDING_ONLY,
        ACCESS_LOG: 'off',
        UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
        DRAIN_DELAY_SECONDS: String(delaySeconds),
        PORT: String(port),
      },
    });
  /** The proxy sends it requests. */
  const isUsed = async (gateway: Gateway): Promise<boolean> => {
    const { json } = await call(gateway, 'GET /admin/traffic');
    const routes = json['routes'] as { readonly route: string; readonly requests: number }[];
    return routes.some(({ route, requests }) => !route.startsWith('(') && requests > 0);
  };
  try {
    for (let i = 0; i < 3; i++) gateways.push(await start(await freePort()));
    const ports = gateways.map(({ port }) => port);
    await using proxy = await before(ports);
    await using load = numberedLoad(Number(new URL(proxy.url).port), clients === undefined ? {} : { clients });
    for (const [i, port] of ports.entries()) {
      await eventually(() => isUsed(gateways[i] as Gateway), `gateway ${i} is used`);
      const old = gateways[i] as Gateway;
      old.process.kill('SIGTERM');
      expect(await exitOf(old.process, 30_000)).toBe(0);
      await meanwhile(load);
      gateways[i] = await start(port);
      await load.more(100);
    }
    await eventually(() => isUsed(gateways[2] as Gateway), 'the last is used');
    await load.stop();
    const twice = [...upstream.arrivals].filter(([, times]) => times !== 1);
    return { failures: load.failures, twice, done: load.done, arrived: upstream.arrivals.size };
  } finally {
    for (const gateway of gateways) gateway.process.kill('SIGKILL');
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  }
}

const lost = ({ failures, twice, done, arrived }: Awaited<ReturnType<typeof roll>>) => ({
  failures,
  twice,
  unanswered: arrived - done,
});
const NOTHING = { failures: [], twice: [], unanswered: 0 };

describeFronts('a rolling restart of three gateways loses and doubles nothing', (front) => {
  it('behind nginx, which checks nothing', async () => {
    const clients = front === 'native' ? {} : { clients: 6 };
    const { failures, twice, unanswered } = lost(await roll({ front, delaySeconds: 1, proxy: nginx, ...clients }));
    // uWebSockets.js, and a thread that listens itself, reset who comes in the very instant in which the port closes
    // (docs/drain.md), and nginx repeats no POST: at most one for each of the three.
    expect(failures.length).toBeLessThanOrEqual(front === 'native' ? 0 : 3);
    expect(unanswered).toBeLessThanOrEqual(failures.length);
    expect(twice).toEqual([]);
  });

  it('behind HAProxy that looks often', async () => {
    const check = { check: 'inter 200ms fall 3 rise 1', ask: HTTP_1_1 };
    expect(lost(await roll({ front, delaySeconds: 2, proxy: (ports) => haproxy(ports, check) }))).toEqual(NOTHING);
  });
});

describe('nor where every request comes on a connection of its own', () => {
  it('behind nginx', async () => {
    const proxy = (ports: readonly number[]): Promise<Proxy> => nginx(ports, 'anew');
    expect(lost(await roll({ front: 'native', delaySeconds: 1, proxy }))).toEqual(NOTHING);
  });

  it('behind HAProxy', async () => {
    const check = { check: 'inter 200ms fall 3 rise 1', ask: 'option http-server-close' };
    const proxy = (ports: readonly number[]): Promise<Proxy> => haproxy(ports, check);
    expect(lost(await roll({ front: 'native', delaySeconds: 2, proxy }))).toEqual(NOTHING);
  });
});

it('behind HAProxy with its default check, and the delay that the container image has', async () => {
  const proxy = (ports: readonly number[]): Promise<Proxy> => haproxy(ports, { check: '' });
  expect(lost(await roll({ front: 'native', delaySeconds: 8, proxy }))).toEqual(NOTHING);
});

it('without a delay HAProxy finds out too late: that is what the delay is for', async () => {
  const proxy = (ports: readonly number[]): Promise<Proxy> => haproxy(ports, { check: '' });
  const meanwhile = (load: NumberedLoad): Promise<unknown> => until(() => load.failures.length > 0);
  const { failures } = await roll({ front: 'native', delaySeconds: 0, proxy, meanwhile });
  expect(failures.some((each) => each.endsWith(': 503'))).toBe(true);
});
