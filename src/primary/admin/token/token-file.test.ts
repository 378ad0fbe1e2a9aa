import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AdminTokens } from './admin-tokens.ts';
import { keepToken } from './token-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-token-'));
  path = join(folder, 'state/gateway/admin-token-9901');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = () => {
  const result = keepToken(path);
  if (!result.ok) throw new Error(result.reason);
  return result;
};

test('is made once, for this user alone, and found again', () => {
  const first = kept();
  expect(first).toMatchObject({ fresh: true, token: expect.stringMatching(/^[\w-]{43}$/) });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
  expect(readFileSync(path, 'utf8')).toBe(`${first.token}\n`);
  expect(kept()).toEqual({ ok: true, token: first.token, fresh: false });
  expect(readdirSync(join(folder, 'state/gateway'))).toEqual(['admin-token-9901']);
});

test.each<[string, () => void]>([
  ['everybody may read', () => chmodSync(path, 0o604)],
  ['is empty', () => writeFileSync(path, '')],
  ['holds half a token', () => writeFileSync(path, 'abc')],
  [
    'is a link',
    () => {
      const elsewhere = join(folder, 'elsewhere');
      writeFileSync(elsewhere, readFileSync(path));
      rmSync(path);
      symlinkSync(elsewhere, path);
    },
  ],
])('one that %s is replaced', (_what, spoil) => {
  const { token } = kept();
  spoil();
  const next = kept();
  expect(next.fresh).toBe(true);
  expect(next.token).not.toBe(token);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a folder in its place, or a file in that of its folder: none, and why', () => {
  mkdirSync(path, { recursive: true });
  expect(keepToken(path)).toMatchObject({ ok: false, reason: expect.stringContaining(path) });
  expect(keepToken(join(path, '../../x/y'))).toMatchObject({ ok: true });
  writeFileSync(join(folder, 'file'), '');
  expect(keepToken(join(folder, 'file/admin-token-1'))).toMatchObject({
    ok: false,
    reason: expect.stringContaining('ENOTDIR'),
  });
});

test('the one that is given comes first, and is not kept', () => {
  let given: string | undefined = 'given';
  const lines: string[] = [];
  const log = {
    info: (_fields: object, text: string) => lines.push(text),
    warn: (_fields: object, text: string) => lines.push(text),
  };
  const tokens = new AdminTokens({ given: () => given, stateDir: folder, log: log as never });
  tokens.open(7);
  expect(tokens.current()).toEqual({ kind: 'given', token: 'given' });
  expect(readdirSync(folder)).toEqual([]);
  given = undefined;
  expect(tokens.current()).toMatchObject({ kind: 'made', path: join(folder, 'admin-token-7') });
  expect(lines).toHaveLength(1);
  tokens.forget();
  expect(existsSync(join(folder, 'admin-token-7'))).toBe(false);
});

test('nowhere to keep it: none, said once with what to do', () => {
  const lines: string[] = [];
  const log = { info: () => {}, warn: (_fields: object, text: string) => lines.push(text) };
  const tokens = new AdminTokens({ given: () => undefined, stateDir: undefined, log: log as never });
  expect(tokens.current()).toEqual({ kind: 'none', reason: 'the gateway is starting' });
  tokens.open(7);
  tokens.current();
  expect(lines).toEqual([expect.stringMatching(/changes .* are refused.*STATE_DIR is not set.*mount a volume/)]);
});
