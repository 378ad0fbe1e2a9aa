import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VERSION } from '../shared/version.ts';
import type { CliIo } from './io.ts';
import { main } from './main.ts';
import { createProgram } from './program.ts';

interface Result {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

async function gateway(
  args: readonly string[],
  { env = {}, files = {} }: { env?: CliIo['env']; files?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const out: string[] = [];
  const err: string[] = [];
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
    return text;
  };
  const code = await main(args, {
    env,
    readFile,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    colours: false,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** Every command that does something, as words of a command line. */
function commands(parent: Command, above: readonly string[] = []): readonly string[][] {
  return parent.commands.flatMap((command) => {
    const words = [...above, command.name()];
    return command.commands.length > 0 ? commands(command, words) : [words];
  });
}
const quiet: CliIo = { env: {}, readFile: () => '', out: () => {}, err: () => {}, colours: false };
const COMMANDS = commands(createProgram(quiet, () => {}));

describe('every command', () => {
  test('is there', () => {
    const names = COMMANDS.map((words) => words.join(' '));
    expect(names).toEqual(
      (
        'start,check,schema,status,top,nodes,events,config,reload,drain,log-level,breaker list,breaker get,breaker open,' +
        'breaker close,breaker auto,why,limit top,limit get,limit reset,limit set,limit ban,limit exempt,limit auto,' +
        'doctor,probe,redis purge'
      ).split(','),
    );
  });

  test.each(COMMANDS.map((words) => [words]))('%j has an example that runs it, and --json', async (words) => {
    const { out } = await gateway([...words, '--help']);
    expect(out).toMatch(new RegExp(`^Example:\n  .*gateway ${words.join(' ')}`, 'm'));
    expect(out.includes('--json')).toBe(words[0] !== 'start'); // its log is JSON anyway
  });

  test.each([[[]], ...COMMANDS.map((words) => [words])])('%j has --help and --version', async (args) => {
    const help = await gateway([...args, '--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toMatch(/Exit codes:[\s\S]*64[\s\S]*69[\s\S]*70[\s\S]*78/);
    expect(await gateway([...args, '--version'])).toEqual({ code: 0, out: VERSION, err: '' });
  });

  test.each([
    [['begin'], "unknown command 'begin'"],
    [['check', '--yaml'], "unknown option '--yaml'"],
    [['schema', 'more'], 'too many arguments'],
    [[], 'Usage: gateway'],
  ])('%j is a usage error: 64', async (args, message) => {
    const result = await gateway(args);
    expect(result).toMatchObject({ code: 64, out: '' });
    expect(result.err).toContain(message);
  });
});

describe('gateway check', () => {
  test('prints what the gateway would run with as YAML or JSON, without secrets', async () => {
    const env = { PORT: '6000', ADMIN_TOKEN: 'hunter2-hunter2' };
    const yaml = await gateway(['check'], { env });
    expect(yaml).toMatchObject({ code: 0, err: '' });
    expect(parse(yaml.out)).toMatchObject({ server: { port: 6000, adminToken: '***' } });
    const json = await gateway(['check', '--json'], { env });
    expect(JSON.parse(json.out)).toEqual(parse(yaml.out));
    expect(yaml.out + json.out).not.toContain('hunter2');
  });

  test.each(['check', 'start'])('%s ends with 78 and all problems at once', async (command) => {
    const result = await gateway([command], { env: { PORT: 'abc', WORKERS: '-1', GATEWAY_CONFIG: 'no.yaml' } });
    expect(result).toMatchObject({ code: 78, out: '' });
    for (const name of ['PORT', 'WORKERS', 'GATEWAY_CONFIG']) expect(result.err).toContain(`\n${name}: `);
  });

  test('warns on stderr', async () => {
    const result = await gateway(['check'], { env: { UPSTREAM_ULR: 'http://127.0.0.1:1' } });
    expect(result.code).toBe(0);
    expect(result.err).toMatch(/^warning: UPSTREAM_ULR: .*UPSTREAM_URL/);
  });
});

test('gateway schema prints a JSON Schema', async () => {
  const result = await gateway(['schema']);
  expect(JSON.parse(result.out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
});

describe('gateway reload', () => {
  async function withAdmin(handler: RequestListener, body: (port: number) => Promise<void>): Promise<void> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      await body((server.address() as AddressInfo).port);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('asks the admin port of the environment, with its token', async () => {
    const seen: unknown[] = [];
    const handler: RequestListener = (req, res) => {
      seen.push([req.method, req.url, req.headers.authorization]);
      res.end('{"version":3,"needsRestart":["PORT"],"complete":true}\n');
    };
    await withAdmin(handler, async (port) => {
      const env = {
        ADMIN_PORT: String(port),
        ADMIN_HOST: '0.0.0.0',
        ADMIN_TOKEN: 'env-token',
        GATEWAY_CONFIG: 'no.yaml',
      };
      expect(await gateway(['reload'], { env })).toEqual({
        code: 0,
        out: 'The new configuration is in use (version 3).',
        err: 'warning: these change only with a restart: PORT',
      });
      const url = `http://127.0.0.1:${port}`;
      const args = ['reload', '--url', url, '--token-file', '/token'];
      expect(await gateway(args, { files: { '/token': 'file-token\n' } })).toMatchObject({ code: 0 });
    });
    expect(seen).toEqual([
      ['POST', '/admin/reload', 'Bearer env-token'],
      ['POST', '/admin/reload', 'Bearer file-token'],
    ]);
  });

  test.each([
    [422, '{"detail":"x","problems":["a.yaml:3: routes[0].path: missing","PORT: bad"]}', 78, 'missing\nPORT: bad'],
    [401, '{"detail":"This needs the admin token."}', 78, '--token-file'],
    [404, 'not found', 69, 'not found'],
    [500, '{"detail":"broken"}', 70, 'broken'],
  ])('answered %i %s ends with %i', async (...[status, body, code, message]) => {
    await withAdmin(
      (_req, res) => res.writeHead(status).end(body),
      async (port) => {
        const result = await gateway(['reload', '--url', `http://127.0.0.1:${port}`]);
        expect(result).toMatchObject({ code, out: '' });
        expect(result.err).toContain(message);
      },
    );
  });

  test('says what to check when no gateway is there: 69', async () => {
    let free = 0;
    await withAdmin(
      (_req, res) => res.end(),
      async (port) => void (free = port),
    );
    const result = await gateway(['reload'], { env: { ADMIN_PORT: String(free) } });
    expect(result).toMatchObject({ code: 69, out: '' });
    expect(result.err).toMatch(/No gateway answers at http:\/\/127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\)\.\n.*ADMIN_PORT/);
  });

  test.each([
    [['--url', 'localhost:9901'], '--url: expected an origin'],
    [['--token-file', '/none'], '--token-file: ENOENT'],
  ])('%j is a usage error', async (args, message) => {
    const result = await gateway(['reload', ...args]);
    expect(result.code).toBe(64);
    expect(result.err).toContain(message);
  });
});
