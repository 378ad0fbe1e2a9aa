import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectFiles } from './collect-files.ts';
import { countTar, makeTar, whyNoTar } from './tar.ts';

const { signal } = new AbortController();

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gateway-files-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('secrets stay out unless they are encrypted, whatever they are called', async () => {
  await using at = await folder();
  const { path } = at;
  await mkdir(join(path, 'sub'));
  const secret = [
    '.env',
    '.env.prod',
    'sub/tls.key',
    'sub/id_ed25519',
    'admin-token-9901',
    'sub/bundle.pem',
    'redis-password',
  ];
  const open = ['compose.yaml', 'env.md', 'sub/cert.pem'];
  for (const name of [...secret, ...open]) await writeFile(join(path, name), 'x');
  await writeFile(join(path, 'sub/bundle.pem'), `${'cert\n'.repeat(100)}-----BEGIN RSA PRIVATE KEY-----\n`);
  await symlink('.env', join(path, 'link'));
  const secrets = [join(path, 'redis-password')];
  const kept = await collectFiles([path], { secrets, signal });
  const absolute = (names: readonly string[]): readonly string[] => names.map((name) => join(path, name)).toSorted();
  expect(kept.leftOut.toSorted()).toEqual(absolute(secret));
  expect(kept.paths.toSorted()).toEqual([path, ...absolute([...open, 'link', 'sub'])].toSorted());
  const all = await collectFiles([path], { secrets: undefined, signal });
  expect(all.leftOut).toEqual([]);
  expect(all.paths).toHaveLength(secret.length + open.length + 3);
});

test('names of all kinds come into the archive', async () => {
  await using at = await folder();
  const { path } = at;
  for (const name of ['with\nline', '-rf', ' space ', '*', 'ä', `"'`, '--checkpoint-action=exec=false']) {
    await writeFile(join(path, name), name);
  }
  expect(await whyNoTar(signal)).toBeUndefined();
  const { paths } = await collectFiles([path], { secrets: [], signal });
  await using out = await folder();
  const archive = join(out.path, 'a.tar');
  expect(await makeTar(archive, paths, { dir: out.path, cpuShare: 1, signal })).toEqual([]);
  expect(await countTar(archive, { cpuShare: 1, signal })).toBe(8);
});
