import { execFileSync, fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUpstream } from './server.ts';

// Compiled afresh, because a `dist` that happens to be there may be older than the sources.
const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'upstream-test-'));
const entry = join(out, 'main.js');
beforeAll(() => {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const project = {
    extends: join(here, '../../tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      rootDir: here,
      outDir: out,
      allowJs: false,
      checkJs: false,
      typeRoots: [join(here, '../../node_modules/@types')],
    },
    include: [],
    files: [join(here, 'main.ts')],
  };
  writeFileSync(join(out, 'package.json'), '{"type":"module"}');
  writeFileSync(join(out, 'tsconfig.json'), JSON.stringify(project));
  execFileSync(process.execPath, [tsc, '-p', out], { stdio: ['ignore', 'inherit', 'inherit'] });
});
afterAll(() => rmSync(out, { recursive: true }));

const start = (env: Record<string, string>): ChildProcess => spawn(process.execPath, [entry], { env, stdio: 'pipe' });

async function firstLine(child: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> {
  const [text] = (await once(child[stream] ?? child, 'data')) as [Buffer];
  return text.toString();
}

describe('demo upstream as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says its port, serves, and exits 0 on %s', async (signal) => {
    const child = start({ PORT: '0' });
    const line = JSON.parse(await firstLine(child, 'stdout')) as { msg: string; port: number };
    expect(line).toMatchObject({ level: 'info', msg: 'demo upstream ready', host: '127.0.0.1' });
    expect((await fetch(`http://127.0.0.1:${line.port}/ok`)).status).toBe(200);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('exits 69 with a clear line when the port is taken', async () => {
    await using taken = await startUpstream();
    const child = start({ PORT: String(taken.port) });
    const [line, [code]] = await Promise.all([firstLine(child, 'stderr'), once(child, 'exit')]);
    expect([line, code]).toEqual([
      `demo upstream: port ${taken.port} on 127.0.0.1 is already in use; set PORT to another\n`,
      69,
    ]);
  });

  it.each(['abc', '65536', '-1', ''])('exits 78 on PORT=%s', async (port) => {
    const child = start({ PORT: port });
    const [line, [code]] = await Promise.all([firstLine(child, 'stderr'), once(child, 'exit')]);
    expect(line).toContain('PORT: expected');
    expect(code).toBe(78);
  });

  it('reports to a parent and goes when the parent goes', async () => {
    const child = fork(entry, { env: { PORT: '0' }, stdio: 'ignore' });
    const [message] = (await once(child, 'message')) as [{ type: string; port: number }];
    expect(message).toEqual({ type: 'ready', port: message.port });
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
