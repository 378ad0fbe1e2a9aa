import type { RequestListener, ServerResponse } from 'node:http';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VERSION } from '../shared/version.ts';
import type { CliIo } from './io.ts';
import { gateway, withAdmin } from './main.fixture.ts';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createProgram } from './program.ts';
import { untilPasses } from '../../test/support/wait.ts';

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
        'start,check,schema,status,top,nodes,targets list,targets drain,targets up,split,events,profile,config show,config diff,config push,config history,config rollback,reload,drain,jobs list,jobs run,jobs history,log-level,' +
        'breaker list,breaker get,breaker open,breaker close,breaker auto,why,limit top,limit list,limit get,limit reset,limit set,limit ban,limit exempt,limit auto,maintenance list,maintenance on,maintenance off,' +
        'key create,key list,key rotate,key revoke,' +
        'backup now,backup list,backup verify,backup download,backup prune,restore,doctor,probe,explain,redis purge'
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
    const env = { PORT: '6000', ADMIN_TOKEN: 'hunter2-hunter2-hunter2' };
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
  test('asks the admin port of the environment, with its token', async () => {
    const seen: unknown[] = [];
    const handler: RequestListener = (req, res) => {
      // Whether it answers at all is asked beside.
      if (req.url !== '/admin/log-level') seen.push([req.method, req.url, req.headers.authorization]);
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

  test('finds the token that a gateway on this machine made, and gives it to no other machine', async () => {
    const seen: unknown[] = [];
    const handler: RequestListener = (req, res) => {
      if (req.method === 'POST') seen.push(req.headers.authorization);
      res.writeHead(401).end('{"detail":"This needs the admin token."}');
    };
    await withAdmin(handler, async (port) => {
      const token = 'a'.repeat(43);
      const path = `/state/admin-token-${port}`;
      const env = { ADMIN_PORT: String(port), STATE_DIR: '/state' };
      const { err } = await gateway(['reload'], { env, files: { [path]: `${token}\n` } });
      expect(err).toContain(`does not accept this token that ${path} holds`);
      const none = await gateway(['reload'], { env });
      expect(none.err).toContain(`No token was found in ${path} (there is no such file)`);
      const damaged = await gateway(['reload'], { env, files: { [path]: 'half' } });
      expect(damaged.err).toContain(`${path} (it holds no token)`);
      expect(seen).toEqual([`Bearer ${token}`, undefined, undefined]);
    });
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

  test('does not call a gateway absent that is at work', async () => {
    const asked: ServerResponse[] = [];
    // The work takes until somebody has asked whether the gateway answers at all.
    const handler: RequestListener = (_req, res) => {
      asked.push(res);
      if (asked.length < 2) return;
      for (const each of asked) each.end('{"version":3,"needsRestart":[],"complete":true,"level":"info"}');
    };
    await withAdmin(handler, async (port) => {
      const result = await gateway(['reload', '--url', `http://127.0.0.1:${port}`, '--timeout', '1m']);
      expect(result).toMatchObject({ code: 0, err: '' });
    });
  });

  test.each([
    ['reload'],
    ['status'],
    ['log-level'],
    ['events'],
    ['events --follow'],
    ['limit get 10.0.0.1'],
    ['top --once'],
  ])('%s: a gateway that says nothing is one that is there, and what is known of it is said', async (command) => {
    await withAdmin(
      () => {},
      async (port) => {
        const url = `http://127.0.0.1:${port}`;
        // On a busy machine the connection itself may take longer than that, and then something else is said.
        await untilPasses(async () => {
          const late = await gateway([...command.split(' '), '--url', url, '--timeout', '50ms']);
          expect(late).toMatchObject({ code: 69, out: '' });
          expect(late.err).toContain(`The gateway at ${url} did not answer in 0.05 s.\nIts port is open`);
        });
      },
    );
  });

  test.each([['reload'], ['status'], ['events'], ['events --follow'], ['limit top'], ['top --once']])(
    '%s: a port that closes each connection at once ends it with a text',
    async (command) => {
      const server = createServer((socket) => socket.on('error', () => {}).destroy());
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const result = await gateway([...command.split(' '), '--url', url]);
      server.close();
      expect(result).toMatchObject({ code: 69, out: '' });
      expect(result.err).toMatch(/No gateway answers at .* \((socket hang up|.*ECONNRESET)\)/);
    },
  );

  test.each([
    [['--url', 'localhost:9901'], '--url: expected an origin'],
    [['--token-file', '/none'], '--token-file: ENOENT'],
  ])('%j is a usage error', async (args, message) => {
    const result = await gateway(['reload', ...args]);
    expect(result.code).toBe(64);
    expect(result.err).toContain(message);
  });
});

describe('gateway why', () => {
  test.each([
    ['unknown_route', 1, '', 'So it is.\nThere are these clients: ann, bob'],
    ['impossible_client', 1, '', 'So it is.\nThere are these clients: ann, bob'],
  ])('answered 404 %s ends with %i', async (...[code, exitCode, out, err]) => {
    const body = JSON.stringify({ status: 404, code, detail: 'So it is.', clients: ['ann', 'bob'] });
    await withAdmin(
      (_req, res) => res.writeHead(404).end(body),
      async (port) => {
        const result = await gateway(['why', 'joe', '--url', `http://127.0.0.1:${port}`]);
        expect(result).toEqual({ code: exitCode, out, err });
      },
    );
  });
});
