import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call } from '../admin/setup.ts';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';

test('a reload takes up another content of ca_file, and no connection from before goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-authority-'));
  const [authority, stranger] = [createAuthority(), createAuthority()];
  const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_req, res) => res.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const caFile = join(folder, 'ca.pem');
  copyFileSync(stranger.caFile, caFile);
  const { port } = server.address() as AddressInfo;
  const yaml = `upstreams: { up: { url: "https://127.0.0.1:${port}", tls: { ca_file: "${caFile}" }, circuit_breaker: { mode: off } } }
routes: [{ path: /, upstream: up }]\n`;
  await using gateway = await startGateway({ yaml, env: { ACCESS_LOG: 'off' } });
  const status = async (): Promise<number> => (await get(gateway.port, '/')).status;
  expect(await status()).toBe(502);
  for (const [from, expected] of [
    [authority, 200],
    [stranger, 502],
  ] as const) {
    copyFileSync(from.caFile, caFile);
    expect((await call(gateway, 'POST /admin/reload')).status).toBe(200);
    expect(await status()).toBe(expected);
  }
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
