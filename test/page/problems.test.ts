import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandIn } from '../cli/command.ts';
import { startGateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { createAuthority } from '../support/certificates.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/wait.ts';
import { openPage, startBrowser, stateOf } from './browser.ts';

/** What the page tells of before it is an incident: certificates that end, backups that nobody makes, requests that are shed. */

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

test('a certificate that ends soon, and a backup that nobody can make', async () => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('DNS:shop.example', 1);
  const folder = mkdtempSync(join(tmpdir(), 'gateway-page-'));
  writeFileSync(join(folder, 'file'), '');
  const env = {
    UPSTREAM_URL: 'http://127.0.0.1:1',
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    BACKUP_DIR: join(folder, 'file', 'backups'),
    BACKUP_FILES: certFile,
  };
  await using gateway = await startGateway({ env });
  await using open = await openPage(browser, gateway);
  const { page, complaints } = open;
  await eventually(
    async () => /job full-backup is done by nobody: .*BACKUP_DIR/.test(await page.locator('#verdict').innerText()),
    'who makes no backups says why',
  );
  const verdict = await page.locator('#verdict').innerText();
  expect(verdict).toMatch(/the certificate for shop\.example ends on \d{4}-\d{2}-\d{2}/);
  expect(await page.locator('#verdict a').allInnerTexts()).toEqual([
    'Runbook: Certificate Expires',
    'Runbook: Failing Jobs',
  ]);
  expect(await stateOf(page)).toBe('bad');
  expect(await page.locator('#jobs').innerText()).toContain('not on this node');
  expect(await page.locator('#nodes tbody tr').first().innerText()).toContain('Not all well');
  expect(complaints).toEqual([]);
  const { stdout } = await commandIn({ ADMIN_PORT: String(gateway.adminPort) })('status');
  expect(stdout).toMatch(/certificate +shop\.example: ends on \d{4}-\d{2}-\d{2}/);
  expect(stdout).toContain('this node makes no backups: BACKUP_DIR cannot be written');
  rmSync(folder, { recursive: true });
});

test('a target that a node has left out is called what it is, and when it is tried again', async () => {
  await using good = await scriptedUpstream();
  await using bad = await scriptedUpstream();
  good.behaviour = 200;
  bad.behaviour = 503;
  await using gateway = await startGateway({
    env: {
      ACCESS_LOG: 'off',
      RATE_LIMIT_ALLOWLIST: '127.0.0.1',
      CIRCUIT_BREAKER_FAILURE_THRESHOLD: '4000',
      CIRCUIT_BREAKER_ERROR_RATE: '0',
    },
    yaml: `
upstreams: { orders: { targets: ["${good.url}", "${bad.url}"], eject: { consecutive: 3, seconds: 300 } } }
routes: [{ name: proxy, path: /, upstream: orders }]
`,
  });
  await using open = await openPage(browser, gateway);
  const row = open.page.locator(`#upstreams tr[data-key="orders ${bad.url}"]`);
  await eventually(async () => {
    await Promise.all(Array.from({ length: 8 }, () => get(gateway.port, '/')));
    return (await row.innerText()).includes('Ejected');
  }, 'it is said to be ejected');
  expect(await row.innerText()).toMatch(/tried again in (4|5) min/);
});

test('requests that are shed: as a problem, at the limit of the upstream, and in words', async () => {
  await using upstream = await scriptedUpstream();
  upstream.behaviour = 'hold';
  await using gateway = await startGateway({
    env: { ACCESS_LOG: 'off', RATE_LIMIT_ALLOWLIST: '127.0.0.1' },
    yaml: `
upstreams: { orders: { url: "${upstream.url}", queue: 1, concurrency: { max: 3 } } }
routes: [{ name: proxy, path: /, upstream: orders, timeouts: { response_headers_seconds: 600 } }]
`,
  });
  await using open = await openPage(browser, gateway);
  const { page } = open;
  expect(await stateOf(page)).toBe('ok');
  const panel = page.locator('#upstreams');
  expect(await panel.innerText()).toContain('This node has refused nothing for overload in the last minute.');
  const replies = Array.from({ length: 12 }, () => get(gateway.port, '/'));
  await eventually(
    async () => (await panel.innerText()).includes('refused in the last minute: 8 because an upstream had no room'),
    'it is told at the upstreams',
  );
  expect(await panel.innerText()).toContain('3 of 3 here');
  expect(await page.locator('#verdict').innerText()).toContain('as many as may be are under way at orders');
  expect(await page.locator('#verdict a').innerText()).toBe('Runbook: Requests Shed');
  expect(await stateOf(page)).toBe('warn');
  upstream.behaviour = 200;
  upstream.release();
  await Promise.all(replies);
});
