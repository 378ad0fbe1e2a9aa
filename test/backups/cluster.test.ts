import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { LogLine } from '../support/gateway.ts';
import { until } from '../support/wait.ts';
import { gatewaySetting } from './setting.ts';

const SLOTS = 20;
/** Longer than any machine needs for so many. */
const PATIENCE_MS = 1_200_000;

test(
  'three nodes and twenty slots: a slot has one backup, made by one node, and all are verified',
  async () => {
    await using setting = await gatewaySetting();
    const env = {
      ...setting.env,
      BACKUP_SCHEDULE: '* * * * * *',
      BACKUP_FULL_SCHEDULE: '0 0 29 2 *',
      BACKUP_KEEP_DAILY: '1000',
    };
    const start = (name: string) => startGateway({ env: { ...env, NODE_NAME: name } });
    const nodes = await Promise.all(['a', 'b', 'c'].map(start));
    const isMade = ({ msg, job }: LogLine): boolean => msg === 'job done' && job === 'redis-backup';
    const manifests = async () => (await readdir(setting.dir)).filter((name) => name.endsWith('.manifest.json'));
    try {
      await until(async () => (await manifests()).length >= SLOTS, { withinMs: PATIENCE_MS });
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
    const made = await Promise.all(
      (await manifests()).map(async (name) => JSON.parse(await readFile(join(setting.dir, name), 'utf8')) as Made),
    );
    // Nothing of a second try lies beside a backup: each has its manifest and its one file.
    expect((await readdir(setting.dir)).toSorted()).toEqual(
      made.flatMap(({ id, files }) => [`${id}.manifest.json`, ...files.map(({ name }) => name)]).toSorted(),
    );
    for (const { verification, files } of made) expect([verification.result, files.length]).toEqual(['verified', 1]);
    const told = nodes.flatMap(({ log }) => log.filter(isMade)).map(({ run }) => run);
    expect(told).toHaveLength(new Set(told).size);
  },
  PATIENCE_MS + 100_000,
);

interface Made {
  readonly id: string;
  readonly files: readonly { readonly name: string }[];
  readonly verification: { readonly result: string };
}
