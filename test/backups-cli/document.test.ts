import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram } from '../../src/shared/backups/run-program.ts';
import { MAIN } from '../cli/command.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { backupPlace, fill, keysOf } from './setup.ts';
import type { BackupPlace } from './setup.ts';

/** Every command of docs/restore.md, as it stands there, one after the other in one shell. */
const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/restore.md'), 'utf8');
const BLOCKS = Array.from(DOCUMENT.matchAll(/^```bash\n([^]*?)^```$/gm), ([, block = '']) => block);

let redis: TestRedis;
let place: BackupPlace;
let folder: string;
beforeAll(async () => {
  redis = await startRedis(AT_ONCE);
  folder = mkdtempSync(join(tmpdir(), 'gateway-document-'));
  const file = join(folder, 'settings');
  writeFileSync(file, 'of the gateway');
  place = backupPlace(redis, { BACKUP_FILES: file });
});
afterAll(async () => {
  place[Symbol.dispose]();
  rmSync(folder, { recursive: true });
  await redis[Symbol.asyncDispose]();
});

it('its commands work as they are typed', async () => {
  await fill(redis);
  const made = await place.run('backup', 'now', '--full');
  expect(made.code, made.stderr).toBe(0);
  await redis.client.flushall();
  mkdirSync(join(folder, 'data'));
  const settings = Object.entries({ ...place.env, DATA_DIR: join(folder, 'data'), STATE_DIR: folder });
  const script = [
    ...settings.map(([name, value]) => `export ${name}='${value}'`),
    `gateway() { '${process.execPath}' '${MAIN}' "$@"; }`,
    'set -eux',
    ...BLOCKS,
  ];
  const signal = AbortSignal.timeout(280_000);
  const ended = await runProgram(['bash', '-c', script.join('\n')], { signal, cwd: folder });
  expect(ended?.code, ended?.stderr).toBe(0);
  expect(BLOCKS.join('').match(/^gateway /gm)?.length).toBeGreaterThanOrEqual(7);
  expect(await redis.client.hexists('api-gateway:limit-overrides', '203.0.113.7')).toBe(1);
  expect(readdirSync(join(folder, 'data')).sort()).toEqual(['appendonlydir', 'dump.rdb']);
  expect(readdirSync(folder)).toContain('before.rdb');
  const tar = readdirSync(join(folder, 'restored')).find((name) => name.endsWith('.tar')) ?? '';
  const list = await runProgram(['tar', '-tf', join(folder, 'restored', tar)], { signal });
  expect(list?.stdout.trim()).toBe(join(folder, 'settings').slice(1));
  await using loaded = await startRedis(['--dir', join(folder, 'data'), '--appendonly', 'yes']);
  expect(await keysOf(loaded)).toContain('session:1');
});
