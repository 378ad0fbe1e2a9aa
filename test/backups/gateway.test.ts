import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { until, untilPasses } from '../support/wait.ts';
import { BACKUP_PATIENCE_MS, gatewaySetting } from './setting.ts';

const metricsOf = async ({ adminUrl }: Gateway): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text();

test('a gateway backs its Redis up, keeps as many as it is to, and a restart loses no number', async () => {
  await using setting = await gatewaySetting();
  const env = {
    ...setting.env,
    BACKUP_SCHEDULE: '* * * * * *',
    BACKUP_KEEP_DAILY: '2',
  };
  {
    await using gateway = await startGateway({ env });
    await gateway.waitForLog(({ msg }) => msg === 'old backups removed', BACKUP_PATIENCE_MS);
    await untilPasses(async () =>
      expect(await metricsOf(gateway)).toMatch(/backup_duration_seconds\{kind="redis"\} \d/),
    );
    const done = await gateway.waitForLog(({ msg, job }) => msg === 'job done' && job === 'redis-backup');
    expect(done['summary']).toMatch(/^redis-\d{8}T\d{6}Z in \S+, \d+ bytes, verified \(\d+ keys, \d+ expired\)$/);
    await gateway.stop();
  }
  const manifests = (await readdir(setting.dir)).filter((name) => name.endsWith('.manifest.json'));
  expect(manifests.length).toBeGreaterThanOrEqual(2);
  expect(manifests.length).toBeLessThanOrEqual(3);
  await using again = await startGateway({ env: { ...env, BACKUP_SCHEDULE: '0 0 1 1 *' } });
  await untilPasses(async () => {
    const metrics = await metricsOf(again);
    expect(metrics).toMatch(/backup_last_success_timestamp_seconds\{kind="redis"\} \d{10}/);
    expect(metrics).toMatch(/backup_last_verified_timestamp_seconds\{kind="redis"\} \d{10}/);
    expect(metrics).toMatch(/backup_size_bytes\{kind="redis"\} \d+/);
    expect(metrics).toContain('backup_failures_total{step="read back"} 0');
  });
});

test('of three gateways one makes each backup', async () => {
  await using setting = await gatewaySetting();
  const env = {
    ...setting.env,
    BACKUP_SCHEDULE: '*/2 * * * * *',
    BACKUP_KEEP_DAILY: '100',
    LOG_LEVEL: 'debug', // runs that come so often are no news
  };
  const gateways: Gateway[] = [];
  try {
    for (let i = 0; i < 3; i++) gateways.push(await startGateway({ env }));
    const done = (): readonly string[] =>
      gateways.flatMap(({ log }) =>
        log.filter(({ msg }) => msg === 'job done').map(({ summary }) => String(summary).split(' ')[0] ?? ''),
      );
    await until(() => done().length >= 6, { withinMs: BACKUP_PATIENCE_MS }); // a slot that comes while a run lasts is left out
    for (const gateway of gateways) expect(await gateway.stop()).toBe(0);
    expect(new Set(done()).size).toBe(done().length);
  } finally {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  }
});

test('without a place for them there are none, and nothing of them is shown', async () => {
  await using gateway = await startGateway();
  expect(await metricsOf(gateway)).not.toContain('backup_');
});
