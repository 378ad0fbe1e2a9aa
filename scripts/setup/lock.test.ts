import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withLock } from './lock.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Enters the guarded part, stays for a while and leaves: what two of them note must not be mixed. */
const VISITOR = `import { appendFileSync } from 'node:fs';
const { withLock } = await import(process.argv[1]);
const [folder, notes] = process.argv.slice(2);
await withLock({ folder, say: () => {} }, () => {
  appendFileSync(notes, 'in ' + process.pid + '\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  appendFileSync(notes, 'out ' + process.pid + '\\n');
});`;

const lock = fileURLToPath(new URL('lock.mjs', import.meta.url));

function lockOf(owner: object): void {
  mkdirSync(join(folder, 'lock'));
  writeFileSync(join(folder, 'lock/owner.json'), JSON.stringify(owner));
}

describe('the setup lock', () => {
  test('lets one process in at a time, also when all find a lock whose owner is dead', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    lockOf({ pid, host: hostname() });
    const notes = join(folder, 'notes');
    const args = ['--input-type=module', '-e', VISITOR, lock, folder, notes];
    const visitors = Array.from({ length: 5 }, () => spawn(process.execPath, args, { stdio: 'inherit' }));
    const codes = await Promise.all(visitors.map(async (visitor) => (await once(visitor, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    const lines = readFileSync(notes, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(10);
    for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]?.replace('in', 'out'));
    expect(readdirSync(folder)).toEqual(['notes']);
  });

  test('waits for a living owner, says so once, and goes on when it has left', async () => {
    lockOf({ pid: process.pid, host: hostname() });
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      rmSync(join(folder, 'lock'), { recursive: true });
    };
    expect(await withLock({ folder, say }, () => 'done')).toBe('done');
    expect(lines).toEqual([`Another setup is running here (process ${process.pid}): waiting for it.`]);
  });

  test('is given back when the body throws', async () => {
    const failing = withLock({ folder, say: () => {} }, () => {
      expect(existsSync(join(folder, 'lock/owner.json'))).toBe(true);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });
});
