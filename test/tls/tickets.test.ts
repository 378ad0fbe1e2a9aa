import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { TlsMaterial } from '../../src/shared/tls/material.ts';
import { createAuthority } from '../support/certificates.ts';
import { opensslClient, secureClient, startTlsThread, TLS } from './tls-thread.ts';

const authority = createAuthority();
const folder = mkdtempSync(join(tmpdir(), 'gateway-tickets-'));
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const [certificate, other] = ['DNS:a.test', 'DNS:b.test'].map((names) => {
  const { certFile, keyFile } = authority.issue(names);
  return { certificate: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}) as [TlsMaterial['certificates'][0], TlsMaterial['certificates'][0]];
const newKey = (): Uint8Array => randomBytes(48);
const materialOf = (...ticketKeys: readonly Uint8Array[]): TlsMaterial => ({
  certificates: [certificate, other],
  ticketKeys,
  clientCa: undefined,
});

const CLIENTS = 40;
const MIN_SHARE = 0.95;

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('sessions of %s', (version) => {
  const options = { minVersion: version, maxVersion: version, servername: 'a.test' };

  /** Clients with their newest session each. */
  const fleet = (): { connectTo(ports: readonly number[], servername?: string): Promise<number> } => {
    const sessions: (Buffer | undefined)[] = Array.from({ length: CLIENTS }, () => undefined);
    return {
      /** All connect once, in turn to each port. @returns the share that took up its session */
      connectTo: async (ports, servername = options.servername) => {
        let resumed = 0;
        for (const [i, session] of sessions.entries()) {
          const port = ports[i % ports.length] ?? 0;
          using client = await secureClient(port, { ...options, servername, ...(session && { session }) });
          await client.echo('x');
          if (client.resumed) resumed++;
          sessions[i] = client.session();
        }
        return resumed / CLIENTS;
      },
    };
  };

  test.each(['a.test', 'b.test'])('of %s are taken up by every thread, and by one that comes later', async (name) => {
    const material = materialOf(newKey());
    await using one = await startTlsThread({ material });
    await using two = await startTlsThread({ material });
    const clients = fleet();
    expect(await clients.connectTo([one.port, two.port], name)).toBe(0);
    // Every client comes to the other thread now.
    expect(await clients.connectTo([two.port, one.port], name)).toBeGreaterThanOrEqual(MIN_SHARE);
    await one.worker.terminate();
    await using later = await startTlsThread({ material });
    expect(await clients.connectTo([later.port, two.port], name)).toBeGreaterThanOrEqual(MIN_SHARE);
    expect((await later.state()).counts).toMatchObject({ completed: CLIENTS / 2, resumed: CLIENTS / 2 });
  });

  test.each(['with a reload', 'between reloads'])(
    'outlive a change of the key %s, and get the new one',
    async (how) => {
      const [old, fresh] = [newKey(), newKey()];
      await using thread = await startTlsThread({ material: materialOf(old) });
      const clients = fleet();
      await clients.connectTo([thread.port]);
      if (how === 'with a reload') await thread.reload(TLS, materialOf(fresh, old));
      else await thread.setTicketKeys([fresh, old]);
      expect(await clients.connectTo([thread.port])).toBeGreaterThanOrEqual(MIN_SHARE);
      await thread.setTicketKeys([fresh]);
      expect(await clients.connectTo([thread.port])).toBeGreaterThanOrEqual(MIN_SHARE);
    },
  );

  test('of a key that is gone begin anew', async () => {
    await using thread = await startTlsThread({ material: materialOf(newKey()) });
    const clients = fleet();
    await clients.connectTo([thread.port]);
    await thread.setTicketKeys([newKey()]);
    expect(await clients.connectTo([thread.port])).toBe(0);
    expect(await clients.connectTo([thread.port])).toBeGreaterThanOrEqual(MIN_SHARE);
  });

  test('openssl takes its session up at another thread, under a new key', async () => {
    const [old, fresh] = [newKey(), newKey()];
    await using one = await startTlsThread({ material: materialOf(old) });
    await using two = await startTlsThread({ material: materialOf(fresh, old) });
    const file = join(folder, `${version}.session`);
    const connectTo = async (port: number, ...args: readonly string[]): Promise<string> => {
      const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
      using client = opensslClient(port, [flag, '-servername', 'a.test', ...args]);
      client.send('x\n');
      return await client.until('echo x'); // a ticket comes before it
    };
    expect(await connectTo(one.port, '-sess_out', file)).toContain('New, ');
    expect(await connectTo(two.port, '-sess_in', file)).toContain('Reused, ');
  });
});
