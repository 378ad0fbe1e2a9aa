import { describe, expect, test } from 'vitest';
import { readConfig } from '../shared/config/read-config.ts';
import type { ServerConfig } from '../shared/config/types.ts';
import { planReload } from './reload-plan.ts';
import type { LoadedConfig } from './reload-plan.ts';

const TLS = { certFile: 'cert.pem', keyFile: 'key.pem' };

function loaded(server: Partial<ServerConfig> = {}, certificate?: string): LoadedConfig {
  const read = readConfig({ UPSTREAM_URL: 'http://127.0.0.1:5001', WORKERS: '2' }, () => '');
  if (!read.ok) throw new Error('the test configuration is bad');
  return { config: { ...read.config, server: { ...read.config.server, ...server } }, certificate };
}

describe('a reload', () => {
  test('of the same configuration changes nothing', () => {
    expect(planReload(loaded(), loaded())).toEqual({
      config: loaded().config,
      needsRestart: [],
      replaceThreads: false,
    });
  });

  test('keeps what cannot change and names it', () => {
    const plan = planReload(loaded(), loaded({ port: 7000, workers: 9, maxHeaderBytes: 99_999, maxInFlight: 7 }));
    expect(plan.needsRestart).toEqual(['PORT', 'WORKERS', 'MAX_HEADER_BYTES']);
    expect(plan.config.server).toEqual({ ...loaded().config.server, maxInFlight: 7 });
    expect(plan.replaceThreads).toBe(false);
  });

  test('takes routes from the new configuration', () => {
    const next = loaded();
    const plan = planReload(loaded(), { ...next, config: { ...next.config, routes: [] } });
    expect(plan.config.routes).toEqual([]);
  });

  test('does not switch TLS on or off', () => {
    const on = planReload(loaded(), loaded({ tls: TLS }, 'a'));
    expect(on).toMatchObject({ needsRestart: ['TLS_CERT_FILE'], replaceThreads: false });
    expect(on.config.server.tls).toBeUndefined();
    const off = planReload(loaded({ tls: TLS }, 'a'), loaded());
    expect(off).toMatchObject({ needsRestart: ['TLS_CERT_FILE'], replaceThreads: false });
    expect(off.config.server.tls).toEqual(TLS);
  });

  test('replaces the threads for a new certificate, also in other files', () => {
    const plan = planReload(loaded({ tls: TLS }, 'a'), loaded({ tls: { ...TLS, certFile: 'b.pem' } }, 'b'));
    expect(plan).toMatchObject({ needsRestart: [], replaceThreads: true });
    expect(plan.config.server.tls?.certFile).toBe('b.pem');
  });

  test('replaces the threads for a new idle time-out: their apps take it once', () => {
    expect(planReload(loaded(), loaded({ idleTimeoutMs: 1_000 })).replaceThreads).toBe(true);
  });
});
