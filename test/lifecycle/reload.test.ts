import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import { send, startLoad } from './load.ts';

const yamlFor = (upstreams: Readonly<Record<string, number>>, routes: Readonly<Record<string, string>>): string =>
  [
    'upstreams:',
    ...Object.entries(upstreams).map(([name, port]) => `  ${name}: { url: "http://127.0.0.1:${port}" }`),
    'routes:',
    ...Object.entries(routes).map(([path, upstream]) => `  - { path: ${path}, upstream: ${upstream} }`),
    '',
  ].join('\n');

const applied = (gateway: Gateway, version: number) =>
  gateway.waitForLog((line) => line['msg'] === 'configuration applied' && line['configVersion'] === version);

const get = async (gateway: Gateway, path: string): Promise<number> =>
  statusOf(await ask(gateway.port, requestText('GET', path)));

// Upstream connections must not go for another reason than a reload.
const ENV = { ACCESS_LOG: 'off', WORKERS: '2', UPSTREAM_IDLE_TIMEOUT_SECONDS: '60' };
const CLIENTS = 4;

describe.each(['SIGHUP', 'POST /admin/reload', 'SIGHUP to the parent'])('reload by %s', (how) => {
  const reload = async (gateway: Gateway, version: number): Promise<void> => {
    if (how.startsWith('SIGHUP')) {
      gateway.process.kill('SIGHUP');
      await applied(gateway, version);
    } else {
      const answer = await send(gateway.adminPort, { method: 'POST', path: '/admin/reload', headers: gateway.bearer });
      expect([answer.status, JSON.parse(answer.body)]).toEqual([
        200,
        { version, needsRestart: [], complete: true, redisRefuses: '' },
      ]);
    }
  };

  it('applies routes and upstreams under load, loses nothing, keeps the connections of what stays', async () => {
    await using kept = await recordingUpstream();
    await using other = await recordingUpstream();
    const before = yamlFor({ kept: kept.port }, { '/a': 'kept' });
    const as = how.endsWith('parent') ? 'supervised' : 'front';
    await using gateway = await startGateway({ yaml: before, env: ENV, as });
    expect(await get(gateway, '/b')).toBe(404);
    await using load = startLoad({ ports: [gateway.port], path: '/a', clients: CLIENTS });
    await load.more(50);

    gateway.writeYaml(yamlFor({ kept: kept.port, other: other.port }, { '/a': 'kept', '/b': 'other' }));
    await reload(gateway, 2);
    expect(await Promise.all([1, 2, 3, 4].map(() => get(gateway, '/b')))).toEqual([200, 200, 200, 200]);
    await load.more(50);

    gateway.writeYaml(before);
    await reload(gateway, 3);
    expect(await Promise.all([1, 2, 3, 4].map(() => get(gateway, '/b')))).toEqual([404, 404, 404, 404]);
    await load.more(50);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.sentAway).toBe(0);
    // Never more than one for each client; pools that were made anew would have closed and opened some.
    expect(kept.connections.length).toBeLessThanOrEqual(CLIENTS);
    expect(kept.connections.filter(({ socket }) => socket.destroyed)).toEqual([]);
    // What is gone from the configuration holds no connection.
    await Promise.all(other.connections.map((each) => each.closed()));
    expect(other.connections.length).toBeGreaterThan(0);
  });
});

describe('a new configuration that is wrong', () => {
  it('is refused with every problem, and the old one goes on', async () => {
    await using upstream = await recordingUpstream();
    const good = yamlFor({ up: upstream.port }, { '/a': 'up' });
    await using gateway = await startGateway({ yaml: good, env: ENV });
    gateway.writeYaml(`${good}  - { path: /b, upstream: nobody }\n  - { path: /c, upstream: up, strip: true }\n`);
    const answer = await send(gateway.adminPort, { method: 'POST', path: '/admin/reload', headers: gateway.bearer });
    expect(answer.status).toBe(422);
    const { code, problems } = JSON.parse(answer.body) as { code: string; problems: string[] };
    expect(code).toBe('invalid_configuration');
    expect(problems.join('\n')).toMatch(/gateway\.yaml:5: .*nobody/);
    expect(problems.join('\n')).toMatch(/gateway\.yaml:6: routes\[2\]\.strip: unknown key/);

    gateway.process.kill('SIGHUP');
    const refused = await gateway.waitForLog((line) => String(line['msg']).includes('refused'));
    expect(refused).toMatchObject({ level: 'error', problems });
    expect([await get(gateway, '/a'), await get(gateway, '/b')]).toEqual([200, 404]);
    const status = await send(gateway.adminPort, { path: '/admin/status' });
    expect(JSON.parse(status.body)).toMatchObject({ configVersion: 1 });

    gateway.writeYaml(yamlFor({ up: upstream.port }, { '/a': 'up', '/b': 'up' }));
    gateway.process.kill('SIGHUP');
    await applied(gateway, 2);
    expect(await get(gateway, '/b')).toBe(200);
  });

  it('that no longer parses, or is gone', async () => {
    await using gateway = await startGateway({ yaml: yamlFor({ up: 1 }, { '/a': 'up' }), env: ENV });
    gateway.writeYaml('routes: [unclosed');
    const broken = await send(gateway.adminPort, { method: 'POST', path: '/admin/reload', headers: gateway.bearer });
    expect(broken.status).toBe(422);
    expect(await get(gateway, '/a')).toBe(502);
    expect(gateway.process.exitCode).toBeNull();
  });
});

it('an exchange in flight keeps the configuration it began with', async () => {
  await using upstream = await recordingUpstream(() => '');
  await using gateway = await startGateway({ yaml: yamlFor({ up: upstream.port }, { '/a': 'up' }), env: ENV });
  const answer = ask(gateway.port, requestText('GET', '/a'));
  const connection = await upstream.connection(0);
  await connection.until('\r\n\r\n');
  gateway.writeYaml(yamlFor({ elsewhere: 1 }, { '/b': 'elsewhere' }));
  gateway.process.kill('SIGHUP');
  await applied(gateway, 2);
  expect(await get(gateway, '/a')).toBe(404);
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold');
  expect((await answer).body).toBe('old');
  await connection.closed();
});

it('upstreams and routes may have names that every object has, also without a breaker', async () => {
  await using upstream = await recordingUpstream();
  const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  const yaml = (off: boolean): string =>
    [
      'upstreams:',
      ...names.map(
        (name) =>
          `  ${name}: { url: "http://127.0.0.1:${upstream.port}"${off ? ', circuit_breaker: { mode: off }' : ''} }`,
      ),
      'routes:',
      ...names.map((name) => `  - { name: ${name}, path: /${name}, upstream: ${name} }`),
      '',
    ].join('\n');
  await using gateway = await startGateway({ yaml: yaml(false), env: ENV, as: 'supervised' });
  const all = () => Promise.all(names.map((name) => get(gateway, `/${name}`)));
  expect(await all()).toEqual([200, 200, 200, 200]);
  for (const [at, off] of [true, false, true].entries()) {
    gateway.writeYaml(yaml(off));
    gateway.process.kill('SIGHUP');
    await applied(gateway, at + 2);
    expect(await all()).toEqual([200, 200, 200, 200]);
  }
  expect(gateway.log.filter(({ msg }) => msg === 'gateway ready')).toHaveLength(1);
});
