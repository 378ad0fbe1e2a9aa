import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readCatalog } from '../../src/shared/backups/catalog.ts';
import { verifyBackup } from '../../src/shared/backups/verify-backup.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { AT_ONCE, backupSetting, DIST, SLOT_MS } from './setting.ts';

const signal = new AbortController().signal;
const SCRIPT = resolve(import.meta.dirname, 'make-and-die.mjs');

test.each([
  { frozen: 'snapshot', dies: 'nowhere' },
  { frozen: 'store', dies: 'read back' },
  { frozen: 'store bytes', dies: 'read back' },
  { frozen: 'store bytes', dies: 'nowhere' },
  { frozen: 'read back', dies: 'verify' },
  { frozen: 'read back', dies: 'nowhere' },
  { frozen: 'manifest', dies: 'nowhere' },
])(
  'a node that is frozen at "$frozen", wakes up when another has made the backup, and dies $dies, harms it not',
  async ({ frozen, dies }) => {
    await using redis = await startRedis(AT_ONCE);
    await redis.client.set('before', 'a');
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const late = spawn(process.execPath, [SCRIPT, DIST, String(SLOT_MS), dies], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        FREEZE_AT: frozen,
        BACKUP_DIR: setting.dir,
        BACKUP_TEMP_DIR: setting.tempDir,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      },
    });
    await until(() => readFileSync(`/proc/${late.pid}/stat`, 'utf8').includes(') T '));
    await redis.client.set('meanwhile', 'b');
    const made = await setting.make();
    expect(made.verification.result).toBe('verified');
    late.kill('SIGCONT');
    await once(late, 'exit');
    const { backups, broken } = await readCatalog(setting.parts.store, { tempDir: setting.tempDir, signal });
    expect({ broken, ids: backups.map(({ manifest }) => manifest.id) }).toEqual({ broken: [], ids: [made.id] });
    const there = backups[0]?.manifest ?? made;
    expect(there).toEqual(made); // the first that is whole is the slot's
    const again = { identities: [], signal, report: () => {} };
    expect((await verifyBackup(setting.parts, there, again)).result).toBe('verified');
    const { length } = (await setting.names()).stored;
    expect(length).toBe(dies === 'nowhere' ? 2 : 3); // and takes its own away, if it can
  },
);
