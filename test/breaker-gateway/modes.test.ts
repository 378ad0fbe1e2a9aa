import { describe, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { seenAt, startNode, statusAt, untilSeen, yamlOf } from './setup.ts';
import { statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const isBreakerLine = (line: Readonly<Record<string, unknown>>): boolean =>
  String(line['msg']).startsWith('circuit breaker');

describe('CIRCUIT_BREAKER', () => {
  test('off: nothing is refused, nothing said', async () => {
    await using upstream = await scriptedUpstream();
    upstream.behaviour = 500;
    await using gateway = await startGateway({
      env: { UPSTREAM_URL: upstream.url, CIRCUIT_BREAKER: 'off', CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2' },
    });
    expect(await statuses(gateway, 10)).toEqual(Array(10).fill(500));
    expect(gateway.log.filter(isBreakerLine)).toEqual([]);
  });

  test('shadow: nothing is refused, the log says what would have been', async () => {
    await using upstream = await scriptedUpstream();
    upstream.behaviour = 500;
    await using gateway = await startNode({
      upstream,
      breaker: '{ failure_threshold: 2, reset_timeout_seconds: 0.3, half_open_success_threshold: 1 }',
      env: { CIRCUIT_BREAKER: 'shadow' },
    });
    expect(await statuses(gateway, 10)).toEqual(Array(10).fill(500));
    await gateway.waitForLog((line) => isBreakerLine(line) && line['to'] === 'OPEN' && line['mode'] === 'shadow');
    await gateway.waitForLog((line) => isBreakerLine(line) && line['to'] === 'HALF_OPEN');
    upstream.behaviour = 200;
    expect(await statuses(gateway, 5)).toEqual(Array(5).fill(200));
    await gateway.waitForLog((line) => isBreakerLine(line) && line['to'] === 'CLOSED');
  });

  test('each upstream has a breaker of its own, and its own mode', async () => {
    await using upstream = await scriptedUpstream();
    await using gateway = await startGateway({
      env: { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2' },
      yaml: `
upstreams:
  broken: { url: "${upstream.url}" }
  well: { url: "${upstream.url}" }
  unguarded: { url: "${upstream.url}", circuit_breaker: { mode: off } }
routes:
  - { path: /broken, upstream: broken, limits: [] }
  - { path: /also-broken, upstream: broken, limits: [] }
  - { path: /well, upstream: well, limits: [] }
  - { path: /unguarded, upstream: unguarded, limits: [] }
`,
    });
    upstream.onPath.set('/broken', 500).set('/unguarded', 500);
    expect(await statuses(gateway, 3, '/broken')).toEqual([500, 500, 503]);
    expect(await statusAt(gateway, '/also-broken')).toBe(503); // the same upstream
    expect(await statuses(gateway, 3, '/well')).toEqual([200, 200, 200]);
    expect(await statuses(gateway, 5, '/unguarded')).toEqual(Array(5).fill(500));
  });
});

describe('a reload', () => {
  test('that changes a threshold keeps the state, and goes by the new number from then on', async () => {
    await using upstream = await scriptedUpstream();
    upstream.behaviour = 500;
    const breaker = (threshold: number): string => `{ failure_threshold: ${threshold}, reset_timeout_seconds: 60 }`;
    await using gateway = await startNode({ upstream, breaker: breaker(5), env: { WORKERS: '2' } });
    const reloadAll = reloadsOf(gateway);
    const reload = (text: string): Promise<void> => reloadAll(yamlOf({ upstream, breaker: text }));
    expect(await statuses(gateway, 3)).toEqual([500, 500, 500]);
    await reload(breaker(4)); // three failures stay counted
    expect(await statuses(gateway, 1)).toEqual([500]);
    await untilSeen([gateway], 'OPEN');
    expect(await statuses(gateway, 1)).toEqual([503]);
    await reload(breaker(50));
    expect(await seenAt(gateway)).toBe('OPEN');
    await reload('{ mode: off }');
    expect(await statuses(gateway, 2)).toEqual([500, 500]);
    await reload(breaker(2));
    expect(await statuses(gateway, 2)).toEqual([500, 500]);
    await untilSeen([gateway], 'OPEN');
    expect(await statuses(gateway, 1)).toEqual([503]);
  });
});
