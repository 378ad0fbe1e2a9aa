import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../shared/log.ts';
import type { ReloadOutcome } from '../reload.ts';
import { adminRoutes } from './routes.ts';
import { startAdminServer } from './server.ts';
import type { AdminServer } from './server.ts';

let server: AdminServer;
let outcome: ReloadOutcome | undefined;

beforeAll(async () => {
  const routes = adminRoutes({
    token: () => 'secret',
    status: () => ({ configVersion: 3 }),
    reload: () => (outcome === undefined ? Promise.reject(new Error('told to fail')) : Promise.resolve(outcome)),
  });
  const log = createLog({ level: 'silent', name: 'test' });
  server = await startAdminServer({ host: '127.0.0.1', port: 0, routes, log });
});

afterAll(() => server.close());

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);

describe('the admin port', () => {
  test('shows the status', async () => {
    const res = await ask('/admin/status?x');
    expect(await res.text()).toBe('{"configVersion":3}\n');
    expect(res.headers.get('content-type')).toBe('application/json');
  });

  test('answers HEAD as GET without a body', async () => {
    const res = await ask('/admin/status', { method: 'HEAD' });
    expect([res.status, res.headers.get('content-length'), await res.text()]).toEqual([200, '20', '']);
  });

  test('says what a reload did', async () => {
    outcome = { kind: 'applied', version: 4, needsRestart: ['PORT'], complete: true };
    const res = await ask('/admin/reload', { method: 'POST', body: '{}' });
    expect(await res.json()).toEqual({ version: 4, needsRestart: ['PORT'], complete: true });
  });

  test('lists every problem of a refused configuration', async () => {
    const problems = [
      { key: 'PORT', value: '"x"', expected: 'a number' },
      { key: 'HOST', value: undefined, expected: 'an address' },
    ];
    outcome = { kind: 'refused', problems };
    const res = await ask('/admin/reload', { method: 'POST' });
    expect(res.status).toBe(422);
    expect(res.headers.get('content-type')).toBe('application/problem+json');
    expect(await res.json()).toMatchObject({
      code: 'invalid_configuration',
      problems: ['PORT: got "x", expected a number', 'HOST: missing, expected an address'],
    });
  });

  test('a failing page is a 500 that says nothing', async () => {
    outcome = undefined;
    const res = await ask('/admin/reload', { method: 'POST' });
    expect(res.status).toBe(500);
    expect(await res.text()).not.toContain('told to fail');
  });

  test('a web page may not change anything', async () => {
    const res = await ask('/admin/reload', { method: 'POST', headers: { origin: 'https://evil.example' } });
    expect([res.status, res.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  test('refuses unknown pages, methods and large bodies', async () => {
    expect((await ask('/admin/nothing')).status).toBe(404);
    expect((await ask('/toString')).status).toBe(404);
    const wrongMethod = await ask('/admin/reload');
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'POST']);
    const large = await ask('/admin/reload', { method: 'POST', body: 'x'.repeat(70_000) });
    expect(large.status).toBe(413);
  });
});
