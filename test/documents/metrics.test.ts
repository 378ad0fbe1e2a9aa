import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { filesWith, textOf } from './documents.ts';

/** Metrics of docs/metrics.md: what stands in the first column; `…_x` takes the place of the end of the name before it. */
function documented(): readonly string[] {
  const cells = Array.from(textOf('docs/metrics.md').matchAll(/^\| (`[^|]+) \| (?:counter|gauge|histogram) \|/gm));
  return cells.flatMap(([, cell = '']) => {
    const names: string[] = [];
    for (const [, name = ''] of cell.matchAll(/`([^`]+)`/g)) {
      const before = names[0] ?? '';
      names.push(name.startsWith('…') ? `${before.slice(0, before.indexOf('_commands'))}${name.slice(1)}` : name);
    }
    return names;
  });
}

let folder: string;
let redis: TestRedis;
let pair: Pair;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-metrics-'));
  redis = await startRedis();
  pair = await startPair({ env: { REDIS_URL: `redis://127.0.0.1:${redis.port}`, BACKUP_DIR: folder } });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test('every metric that a gateway shows is in docs/metrics.md', async () => {
  const { body } = await get(pair.gateway.adminPort, { path: '/metrics' });
  const shown = Array.from(body.matchAll(/^# TYPE (\w+) /gm), ([, name = '']) => name);
  const ours = shown.filter((name) => !/^(?:process|nodejs)_/.test(name));
  expect(ours.length).toBeGreaterThan(40);
  expect(ours.filter((name) => !documented().includes(name))).toEqual([]);
});

test('every metric of docs/metrics.md is one that the program has', () => {
  const sources = filesWith('.ts', 'src')
    .filter((path) => !path.endsWith('.test.ts'))
    .map(textOf)
    .join('\n');
  expect(documented().length).toBeGreaterThan(60);
  expect(documented().filter((name) => !sources.includes(`'${name}'`))).toEqual([]);
});
