import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { runToEnd } from './run.ts';
import { freePort } from '../support/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A machine that is busy with other tests may be slow. */
const PATIENT = ['--timeout', '30s'];

const cli = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runToEnd({ entry: 'cli', args }, env);

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('gateway check, as built', () => {
  it('prints the resolved configuration with secrets masked: 0', async () => {
    const { code, stdout, stderr } = await cli(['check', '--json'], {
      PORT: '6001',
      UPSTREAM_URL: 'http://up.test:81',
      ADMIN_TOKEN: 'a-secret-of-16-letters',
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ server: { port: 6001 }, upstreams: [{ name: 'default' }] });
    expect(stdout).not.toContain('a-secret-of-16-letters');
  });

  it('names the line of what is wrong in the YAML, and what was meant: 78', async () => {
    const yaml = file(
      'typo.yaml',
      'upstreams:\n  a: { url: "http://127.0.0.1:1" }\nroutes:\n  - path: /a\n    upstram: a\n',
    );
    const { code, stdout, stderr } = await cli(['check'], { GATEWAY_CONFIG: yaml });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(/typo\.yaml:5: routes\[0\]\.upstram: unknown key; did you mean "?upstream"?/);
  });
});

it('gateway schema prints a JSON Schema: 0', async () => {
  const { code, stdout, stderr } = await cli(['schema']);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', properties: { routes: {}, upstreams: {} } });
});

it('a wrong command line: 64, and help on stderr', async () => {
  const { code, stdout, stderr } = await cli(['serve']);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain("unknown command 'serve'");
});

describe('gateway reload, as built', () => {
  const yaml = (path: string): string =>
    `upstreams:\n  a: { url: "http://127.0.0.1:1" }\nroutes:\n  - { path: ${path}, upstream: a }\n`;
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ yaml: yaml('/a') });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it('has the running gateway read its files again: 0', async () => {
    gateway.writeYaml(yaml('/b'));
    const { code, stdout, stderr } = await cli(['reload', '--url', gateway.adminUrl, ...PATIENT], {
      STATE_DIR: gateway.stateDir,
    });
    expect([code, stdout.trim(), stderr]).toEqual([0, 'The new configuration is in use (version 2).', '']);
  });

  it('finds the gateway through ADMIN_HOST and ADMIN_PORT', async () => {
    const { code } = await cli(['reload', ...PATIENT], {
      ADMIN_PORT: String(gateway.adminPort),
      STATE_DIR: gateway.stateDir,
    });
    expect(code).toBe(0);
  });

  it('shows why a new configuration is refused: 78', async () => {
    gateway.writeYaml(yaml('no-slash'));
    const { code, stdout, stderr } = await cli(['reload', '--url', gateway.adminUrl, ...PATIENT], {
      STATE_DIR: gateway.stateDir,
    });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(/gateway\.yaml:4: routes\[0\]\.path: got "no-slash", expected a path/);
  });

  it('without a gateway: 69', async () => {
    const { code, stderr } = await cli(['reload', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(69);
    expect(stderr).toContain('No gateway answers');
  });
});
