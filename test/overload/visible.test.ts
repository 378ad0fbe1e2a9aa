import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageAnswer } from '../../src/shared/admin/page.ts';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import type { StatusAnswer } from '../../src/shared/admin/status.ts';
import { commandIn } from '../cli/command.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/wait.ts';

/** Where an operator looks, what is refused for overload is seen: the status, its command, and both forms of the page. */

let gateway: Gateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await scriptedUpstream();
  upstream.behaviour = 'hold';
  gateway = await startGateway({
    env: { ACCESS_LOG: 'off', RATE_LIMIT_ALLOWLIST: '127.0.0.1' },
    yaml: `
upstreams: { orders: { url: "${upstream.url}", queue: 2, concurrency: { max: 3 } } }
routes: [{ name: proxy, path: /, upstream: orders, timeouts: { response_headers_seconds: 600 } }]
`,
  });
});
afterAll(async () => {
  upstream.release();
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const overload = async (): Promise<StatusAnswer['overload']> =>
  statusAnswer.parse(JSON.parse((await get(gateway.adminPort, '/admin/status')).body)).overload;

test('limits of upstreams, and what was refused in the last minute', async () => {
  expect(await overload()).toEqual({
    shed: { upstream: 0, client: 0, loop: 0, connections: 0 },
    upstreams: [{ upstream: 'orders', max: 3, inFlight: 0, waiting: 0 }],
  });
  const run = commandIn({ ADMIN_PORT: String(gateway.adminPort) });
  expect((await run('status')).stdout).toContain('nothing refused in the last minute');
  const replies = Array.from({ length: 13 }, () => get(gateway.port, '/'));
  await eventually(
    async () => (await overload()).shed.upstream === 8,
    'three are under way, two wait, eight are refused',
  );
  expect(await overload()).toMatchObject({ upstreams: [{ inFlight: 3, waiting: 2 }] });
  const { stdout } = await run('status');
  expect(stdout).toMatch(/verdict +ok/);
  expect(stdout).toContain('refused in the last minute: 8 because an upstream had no room');
  expect(stdout).toMatch(/orders +3 +3 +2/);

  const page = pageAnswer.parse(JSON.parse((await get(gateway.adminPort, '/admin/page')).body));
  expect(page.problems).toContainEqual(
    expect.objectContaining({
      text: 'refused in the last minute: 8 because an upstream had no room (as many as may be are under way at orders)',
      severity: 'warn',
      section: 'Requests Shed',
      command: 'gateway status',
    }),
  );
  const plain = (await get(gateway.adminPort, '/admin/ui/plain')).body;
  expect(plain).toContain('<bdi>8 because an upstream had no room</bdi>');
  upstream.behaviour = 200;
  upstream.release();
  await Promise.all(replies);
}, 120_000);
