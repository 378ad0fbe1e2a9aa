import { appendFile, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { apiKeyHash } from '../../../shared/identity/api-key.ts';
import { KeyFile } from './key-file.ts';
import { storedKey } from '../../../../test/support/stored-key.ts';

async function aPath(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'gateway-keys-')), 'state', 'api-keys');
}

async function opened(path: string): Promise<KeyFile> {
  const file = await KeyFile.open(path);
  onTestFinished(() => file.close());
  return file;
}

async function idsOf(file: KeyFile): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const keys of file.all()) ids.push(...keys.map(({ record }) => record.id));
  return ids;
}

test('what was added is there, also for the next process; only its owner may read it', async () => {
  const path = await aPath();
  const file = await opened(path);
  expect(await file.find(apiKeyHash('a'))).toBeUndefined();
  expect(await file.add([storedKey('a'), storedKey('b')])).toHaveLength(2);
  expect(await file.find(apiKeyHash('a'))).toMatchObject({ id: 'a' });
  const after = await opened(path);
  expect(after.size).toBe(2);
  expect(await after.find(apiKeyHash('b'))).toMatchObject({ id: 'b' });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a revocation wins over every revision, whichever comes first', async () => {
  const file = await opened(await aPath());
  await file.add([storedKey('a', { revoked_ms: 5 })]);
  expect(await file.add([storedKey('a', { revision: 900 })])).toEqual([]);
  expect(await file.find(apiKeyHash('a'))).toMatchObject({ revoked_ms: 5, revision: 1 });
  expect(await file.add([storedKey('b', { revision: 2 }), storedKey('b')])).toHaveLength(2);
  expect(await file.find(apiKeyHash('b'))).toMatchObject({ revision: 2 });
  expect(await idsOf(file)).toEqual(['a', 'b']);
});

test('half a line, or anything else that is no record, costs nothing but itself', async () => {
  const path = await aPath();
  await (await KeyFile.open(path)).close();
  const whole = `${apiKeyHash('a')} ${JSON.stringify(storedKey('a').record)}\n`;
  await writeFile(path, `${whole}rubbish\n${apiKeyHash('x')} {"id":1}\n\n${whole.slice(0, 90)}`);
  const file = await opened(path);
  expect(await idsOf(file)).toEqual(['a']);
  await file.add([storedKey('b')]);
  expect(await (await opened(path)).find(apiKeyHash('b'))).toMatchObject({ id: 'b' });
});

test('processes that share a folder see what the others add', async () => {
  const path = await aPath();
  const [one, other] = [await opened(path), await opened(path)];
  await Promise.all(Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? one : other).add([storedKey(`key-${n}`)])));
  for (let n = 0; n < 200; n++) {
    expect(await one.find(apiKeyHash(`key-${n}`))).toMatchObject({ id: `key-${n}` });
    expect(await other.find(apiKeyHash(`key-${n}`))).toMatchObject({ id: `key-${n}` });
  }
  await one.add([storedKey('key-1', { revoked_ms: 9, revision: 2 })]);
  expect(await other.find(apiKeyHash('key-1'))).toMatchObject({ revoked_ms: 9 });
});

test('a file of mostly what no longer holds is written anew, and whoever has it open goes on with the new one', async () => {
  const path = await aPath();
  const before = await opened(path);
  await before.add([storedKey('a'), storedKey('b')]);
  for (let revision = 2; revision <= 6; revision++) {
    await before.add(Array.from({ length: 1_500 }, (_, n) => storedKey(`many-${n}`, { revision })));
  }
  const { size } = await stat(path);
  const after = await opened(path);
  expect((await stat(path)).size).toBeLessThan(size / 3);
  expect(after.size).toBe(1_502);
  expect(await after.find(apiKeyHash('many-7'))).toMatchObject({ revision: 6 });
  await before.add([storedKey('c')]);
  expect(await after.find(apiKeyHash('c'))).toMatchObject({ id: 'c' });
  expect(await idsOf(after)).toHaveLength(1_503);
});

test('a folder that is emptied by hand begins again, and says nothing of before', async () => {
  const path = await aPath();
  const file = await opened(path);
  await file.add([storedKey('a')]);
  await writeFile(path, '');
  expect(await file.find(apiKeyHash('a'))).toBeUndefined();
  await file.add([storedKey('b')]);
  expect(await idsOf(file)).toEqual(['b']);
  await appendFile(path, '');
  expect(await readFile(path, 'utf8')).toContain(apiKeyHash('b'));
});
