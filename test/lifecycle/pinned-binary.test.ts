import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FRONTS } from '../support/fronts.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BINARY = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

/* As an image has it: dist, package.json and node_modules, started without npm and without scripts. */
describe.runIf(FRONTS.includes('uws'))('a binary of uWebSockets.js that is not the pinned one', () => {
  let image: string;
  beforeAll(() => {
    image = mkdtempSync(join(tmpdir(), 'gateway-image-'));
    for (const part of ['dist', 'package.json']) cpSync(join(ROOT, part), join(image, part), { recursive: true });
    const modules = realpathSync(join(ROOT, 'node_modules'));
    mkdirSync(join(image, 'node_modules'));
    for (const name of readdirSync(modules)) {
      const [from, to] = [join(modules, name), join(image, 'node_modules', name)];
      if (name === 'uWebSockets.js') {
        cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.node') || path.endsWith(BINARY) });
      } else symlinkSync(from, to);
    }
  });
  afterAll(() => rmSync(image, { recursive: true }));

  const start = () =>
    spawnSync(process.execPath, [join(image, 'dist/src/cli/main.js'), 'start'], {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        PATH: process.env['PATH'] ?? '',
        GATEWAY_SUPERVISE: 'off',
        FRONT: 'uws',
        HOST: '127.0.0.1',
        PORT: '0',
        ADMIN_PORT: '0',
        WORKERS: '1',
        UPSTREAM_URL: 'http://127.0.0.1:9',
        STATE_DIR: join(image, 'state'),
      },
    });

  test('is not run, however the gateway was started', () => {
    appendFileSync(join(image, 'node_modules/uWebSockets.js', BINARY), '\n'); // it would load all the same
    const uws = start();
    expect([uws.status, uws.stderr]).toEqual([78, expect.stringMatching(/is not the file that was pinned \(sha256/)]);
    expect(uws.stderr).toContain('FRONT=native');
  });
});
