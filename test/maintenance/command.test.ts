import { afterAll, beforeAll, expect, it } from 'vitest';
import { maintenanceAnswer } from '../../src/shared/admin/maintenance.ts';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import { commandIn, expectRefused, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { get } from '../support/requests.ts';
import { startRouted } from './setup.ts';
import type { Routed } from './setup.ts';

const TOKEN = 'a-token-of-the-tests';

let routed: Routed;
let run: Run;

beforeAll(async () => {
  routed = await startRouted({ env: { ADMIN_TOKEN: TOKEN } });
  run = commandIn({ ADMIN_PORT: String(routed.gateway.adminPort), ADMIN_TOKEN: TOKEN });
});
afterAll(() => routed[Symbol.asyncDispose]());

it('is put on, seen, and ended', async () => {
  expect(await run('maintenance')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Nothing is under maintenance\.$/m),
  });
  const on = await run(
    'maintenance',
    'on',
    'orders',
    '--for',
    '30m',
    '--text',
    'Back soon',
    '--allow',
    '10.0.0.0/8,::1',
    '--allow',
    '203.0.113.7',
  );
  expect(on.code, on.stderr).toBe(0);
  expect(on.stdout).toMatch(
    /^orders +(30m|29m 59s) +\S+Z +10\.0\.0\.0\/8, ::1, 203\.0\.113\.7 +Back soon +token 127\.0\.0\.1 at \S+ +this node alone$/m,
  );
  expect(on.stdout).toMatch(/this node alone[^]*a restart of this node ends it/);
  expect((await get(routed.port, '/orders')).status).toBe(503);
  expect((await run('status')).stdout).toMatch(
    /^maintenance +orders, (30m|29m \d+s) left, on this node alone: Back soon$/m,
  );
  expect(parsed(statusAnswer, await run('status', '--json')).maintenance).toMatchObject([{ route: 'orders' }]);

  const all = parsed(maintenanceAnswer, await run('maintenance', 'on', '--for', '1h', '--json'));
  expect(all.maintenance).toMatchObject([{ route: '*', text: '', allow: [] }, { route: 'orders' }]);
  const still = await run('maintenance', 'off', 'orders');
  expect(still.stdout).toMatch(/^All routes are under maintenance, orders too\.$/m);
  expect(parsed(maintenanceAnswer, await run('maintenance', 'off', '--json')).maintenance).toEqual([]);
  expect((await get(routed.port, '/orders')).status).toBe(200);
});

it('what cannot be meant is refused: 1 and the routes there are, or 64', async () => {
  const [unknown, time, text, networks] = await Promise.all([
    run('maintenance', 'on', 'nothing'),
    run('maintenance', 'on', '--for', '8d'),
    run('maintenance', 'on', '--text', ''),
    run('maintenance', 'on', '--allow', '10.0.0.0/33'),
  ]);
  expectRefused(unknown, 1, /no such route[^]*orders/i);
  expectRefused(time, 64, /--for.*8d.*1s to 7d/);
  expectRefused(text, 64, /--text.*not empty/);
  expectRefused(networks, 64, /--allow.*10\.0\.0\.0\/33.*CIDR/);
});
