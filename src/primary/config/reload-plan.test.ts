import { describe, expect, test } from 'vitest';
import { readConfig } from '../../shared/config/read-config.ts';
import type { ServerConfig, TlsConfig } from '../../shared/config/types.ts';
import { planReload } from './reload-plan.ts';
import type { LoadedConfig } from './reload-plan.ts';

const TLS: TlsConfig = {
  certificates: [{ certFile: 'cert.pem', keyFile: 'key.pem' }],
  minVersion: 'TLSv1.2',
  ciphers: 'HIGH',
  handshakeTimeoutMs: 10_000,
  maxHandshakes: 256,
  ticketKeysFile: undefined,
  clientCaFile: undefined,
};
const OTHER_FILES = [{ certFile: 'b.pem', keyFile: 'key.pem' }];

/** @param digest of the certificates, with `server.tls` */
function loaded(server: Partial<ServerConfig> = {}, digest?: string): LoadedConfig {
  const read = readConfig({ UPSTREAM_URL: 'http://127.0.0.1:5001', WORKERS: '2' }, () => '');
  if (!read.ok) throw new Error('the test configuration is bad');
  const tls =
    digest === undefined ? undefined : { certificates: [], ticketKeys: undefined, clientCa: undefined, digest };
  return { config: { ...read.config, server: { ...read.config.server, ...server } }, tls };
}

describe('a reload', () => {
  test('of the same configuration changes nothing', () => {
    expect(planReload(loaded(), loaded())).toEqual({
      loaded: loaded(),
      needsRestart: [],
      newRedisLogin: undefined,
      replaceThreads: false,
    });
  });

  test('keeps what cannot change and names it', () => {
    const plan = planReload(loaded(), loaded({ port: 7000, workers: 9, maxHeaderBytes: 99_999, maxInFlight: 7 }));
    expect(plan.needsRestart).toEqual(['PORT', 'WORKERS', 'MAX_HEADER_BYTES']);
    expect(plan.loaded.config.server).toEqual({ ...loaded().config.server, maxInFlight: 7 });
    expect(plan.replaceThreads).toBe(false);
  });

  test('takes routes from the new configuration', () => {
    const next = loaded();
    const plan = planReload(loaded(), { ...next, config: { ...next.config, routes: [] } });
    expect(plan.loaded.config.routes).toEqual([]);
  });

  test('takes up another place for backups, but does not switch them on', () => {
    const at = (path: string | undefined): LoadedConfig => {
      const one = loaded();
      const store = path === undefined ? undefined : ({ kind: 'directory', path } as const);
      return { ...one, config: { ...one.config, backups: { ...one.config.backups, store } } };
    };
    expect(planReload(at('/a'), at('/b'))).toMatchObject({ loaded: at('/b'), needsRestart: [] });
    expect(planReload(at(undefined), at('/b'))).toMatchObject({ loaded: at(undefined), needsRestart: ['BACKUP_DIR'] });
    expect(planReload(at('/a'), at(undefined))).toMatchObject({ loaded: at('/a'), needsRestart: ['BACKUP_DIR'] });
  });

  test('does not switch TLS on or off', () => {
    const on = planReload(loaded(), loaded({ tls: TLS }, 'a'));
    expect(on).toMatchObject({ needsRestart: ['TLS_CERT_FILE'], replaceThreads: false });
    expect(on.loaded.tls).toBeUndefined();
    expect(on.loaded.config.server.tls).toBeUndefined();
    const off = planReload(loaded({ tls: TLS }, 'a'), loaded());
    expect(off).toMatchObject({ needsRestart: ['TLS_CERT_FILE'], replaceThreads: false });
    expect(off.loaded.tls?.digest).toBe('a');
    expect(off.loaded.config.server.tls).toEqual(TLS);
  });

  test('replaces the threads of uws for a new certificate, also in other files', () => {
    const plan = planReload(
      loaded({ front: 'uws', tls: TLS }, 'a'),
      loaded({ front: 'uws', tls: { ...TLS, certificates: OTHER_FILES } }, 'b'),
    );
    expect(plan).toMatchObject({ needsRestart: [], replaceThreads: true });
    expect(plan.loaded).toMatchObject({
      config: { server: { tls: { certificates: OTHER_FILES } } },
      tls: { digest: 'b' },
    });
    const ciphers = planReload(
      loaded({ front: 'uws', tls: TLS }, 'a'),
      loaded({ front: 'uws', tls: { ...TLS, ciphers: 'AES' } }, 'a'),
    );
    expect(ciphers.replaceThreads).toBe(true);
  });

  test('keeps the threads of our own front: they take up a certificate in place', () => {
    const old = loaded({ front: 'native', tls: TLS }, 'a');
    const plan = planReload(old, loaded({ front: 'native', tls: { ...TLS, ciphers: 'AES' } }, 'b'));
    expect(plan).toMatchObject({ needsRestart: [], replaceThreads: false, loaded: { tls: { digest: 'b' } } });
  });

  test('replaces the threads for a new idle time-out: their apps take it once', () => {
    expect(planReload(loaded(), loaded({ idleTimeoutMs: 1_000 })).replaceThreads).toBe(true);
  });
});
