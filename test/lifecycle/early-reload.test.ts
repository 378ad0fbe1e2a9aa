import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { eventually, until } from '../support/wait.ts';
import { ALONE_ENV, exitOf } from './run.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const YAML = `
upstreams: { main: { targets: ["http://127.0.0.1:1"] } }
routes: [{ path: /proxy, upstream: main }]
`;

/** Resolves when somebody waits for what is in the pipe; who reads it later need not wait. @returns what lets it go on */
async function readerOf(path: string): Promise<() => void> {
  let pipe = -1;
  await eventually(() => {
    try {
      pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return true;
    } catch {
      return false; // ENXIO: nobody reads it
    }
  }, 'the configuration is being read');
  return () => {
    writeFileSync(`${path}.whole`, YAML);
    renameSync(`${path}.whole`, path);
    writeFileSync(pipe, YAML);
    closeSync(pipe);
  };
}

it.each(['on', 'off'])(
  'SIGHUP while it reads its settings does not end it: GATEWAY_SUPERVISE=%s',
  async (supervise) => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-early-reload-'));
    const file = join(folder, 'gateway.yaml');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    const gateway = spawn(process.execPath, [resolve(DIST, 'src/cli/main.js'), 'start'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...ALONE_ENV,
        GATEWAY_SUPERVISE: supervise,
        GATEWAY_CONFIG: file,
      },
    });
    let text = '';
    gateway.stdout.on('data', (data: Buffer) => (text += data.toString()));
    try {
      const goOn = await readerOf(file);
      gateway.kill('SIGHUP');
      goOn();
      await until(() => text.includes('gateway ready'), { describe: () => text });
      // In the front's own process it had come after a first look at the file; a parent's front had not looked yet.
      if (supervise === 'off') await until(() => text.includes('SIGHUP: reading the configuration again'));
      gateway.kill('SIGTERM');
      expect(await exitOf(gateway)).toBe(0);
      expect(text).not.toContain('"level":"error"');
    } finally {
      gateway.kill('SIGTERM');
      rmSync(folder, { recursive: true });
    }
  },
);
