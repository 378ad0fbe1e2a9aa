import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { readConfig } from '../read-config.ts';
import { configOf, problemsOf, read } from '../test-reading.ts';
import { thisMachine } from '../server/machine.ts';

const HASH = 'ab'.repeat(32);
const BASE = 'upstreams: { o: { url: http://o } }\n';

describe('several files', () => {
  const files = {
    'd/10-base.yaml': `${BASE}routes:\n  - { path: /a, upstream: o, authenticate: [api_key] }\n`,
    'd/20-more.yml': 'routes:\n  - { path: /b, upstream: p }\n',
    'd/p/p.yaml': 'upstreams: { p: { url: https://p, tls: { ca_file: ca.pem } } }\n',
    'd/note.txt': 'no YAML: [',
    'd/.20-more.yml.swp.yaml': 'half a file: [',
    'keys.yaml': `consumers: { acme: { keys: [{ id: k, sha256: ${HASH} }] } }\n`,
  };

  test('and folders are one configuration, in the order of their names', () => {
    const config = configOf(
      { GATEWAY_CONFIG: 'd, d/p ,keys.yaml,d/20-more.yml' },
      {
        ...files,
        'd/p/p.yaml': 'upstreams: { p: { url: http://p } }\nissuers: { i: { issuer: x, jwks_file: keys.json } }\n',
      },
    );
    expect(config.routes.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(config.upstreams.map(({ name }) => name)).toEqual(['o', 'p']);
    expect(config.identities.consumers.map(({ name }) => name)).toEqual(['acme']);
    expect(config.identities.issuers[0]?.keySource).toEqual({ kind: 'jwks_file', file: 'd/p/keys.json' });
  });

  test('name the file and line of what is wrong, each where it stands', () => {
    const bad = { ...files, 'd/20-more.yml': 'routes:\n  - { path: /b, upstream: p }\n  - { path: /c, upstrem: o }\n' };
    expect(problemsOf({ GATEWAY_CONFIG: 'd,keys.yaml' }, bad)).toEqual([
      'd/20-more.yml:2: routes[1].upstream: got "p", expected the name of an upstream (o); did you mean "o"?',
      'd/20-more.yml:3: routes[2].upstream: missing, expected the name of an upstream (or split, redirect or respond)',
      'd/20-more.yml:3: routes[2].upstrem: unknown key; did you mean "upstream"?',
    ]);
    expect(problemsOf({ GATEWAY_CONFIG: 'd/p,d' }, files)).toEqual([
      'd/p/p.yaml:1: upstreams.p.tls.ca_file: got "ca.pem", expected a readable file; there is no such file',
    ]);
  });

  test.each<[string, string, string]>([
    ['upstreams: { o: { url: http://x } }', 'upstreams.o', 'd/a.yaml:1'],
    ['profiles: { gold: { limits: [{ capacity: 1, refill_per_second: 1 }] } }', 'profiles.gold', 'd/a.yaml:3'],
    ['consumers: { "main~x": {} }', 'consumers["main~x"]', 'd/a.yaml:4'],
    ['issuers: { main: { issuer: y, jwks_file: f } }', 'issuers.main', 'd/a.yaml:5'],
  ])('%j is a name that another file has: both places are named', (yaml, key, place) => {
    const first = `${BASE}routes: [{ path: /a, upstream: o }]
profiles: { gold: { limits: [{ capacity: 1, refill_per_second: 1 }] } }
consumers: { "main~x": {} }
issuers: { main: { issuer: x, jwks_file: f } }
`;
    expect(problemsOf({ GATEWAY_CONFIG: 'd' }, { 'd/a.yaml': first, 'd/b.yaml': `\n${yaml}` })).toEqual([
      `d/b.yaml:2: ${key}: it stands in ${place} too, expected every name only once`,
    ]);
  });

  test.each<[string, string]>([
    [
      'routes: [{ path: /b, name: a, upstream: o }]',
      'd/b.yaml:1: routes[1].name: got "a", expected a name of its own; routes[0] has this one; that is d/a.yaml:2',
    ],
    [
      'routes: [{ path: /a, upstream: o }]',
      'd/b.yaml:1: routes[1]: takes the same requests as routes[0]; that is d/a.yaml:2',
    ],
    [
      'issuers: { other: { issuer: https://idp/, jwks_file: f } }',
      'd/b.yaml:1: issuers.other.issuer: got "https://idp/", expected another one; issuers.main has this one; that is d/a.yaml:3',
    ],
    [
      `consumers: { eve: { keys: [{ id: k, sha256: ${HASH} }] } }`,
      'd/b.yaml:1: consumers.eve.keys[0].sha256: got "abababab…", expected another key; consumers.acme.keys[0] has this one; that is d/a.yaml:4',
    ],
    [
      'routes: { path: /b }',
      'd/b.yaml:1: routes: got a mapping, expected lists in all files, or mappings in all; it stands in d/a.yaml:2 too',
    ],
    ['- routes', 'd/b.yaml:1: top level: got a list, expected a mapping'],
    [
      'routes: [',
      'd/b.yaml:1:10: not valid YAML; Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('%j clashes with what another file says', (yaml, line) => {
    const first = `${BASE}routes: [{ path: /a, upstream: o }]
issuers: { main: { issuer: https://idp/, jwks_file: f } }
consumers: { acme: { keys: [{ id: k, sha256: ${HASH} }] } }
`;
    expect(problemsOf({ GATEWAY_CONFIG: 'd' }, { 'd/a.yaml': first, 'd/b.yaml': yaml })[0]).toContain(line);
  });
});

describe('files that are none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-files-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const problemsAt = (name: string): string => {
    const result = readConfig({ GATEWAY_CONFIG: name }, (path) => readFileSync(path, 'utf8'), thisMachine());
    return result.ok ? '' : formatProblems(result.problems).replaceAll(folder, '');
  };

  test('are told apart', () => {
    mkdirSync(at('empty'));
    writeFileSync(at('empty/notes.txt'), '');
    symlinkSync('circle.yaml', at('circle.yaml'));
    mkdirSync(at('nested/x.yaml'), { recursive: true });
    writeFileSync(at('large.yaml'), Buffer.alloc(4 * 1024 * 1024 + 1, '#'));
    expect(problemsAt(at('empty'))).toBe('GATEWAY_CONFIG: got "/empty", expected a folder with *.yaml files in it');
    expect(problemsAt(at('circle.yaml'))).toContain(
      '"/circle.yaml", expected a readable file; its links go in a circle',
    );
    expect(problemsAt(at('nested'))).toContain('"/nested/x.yaml", expected a readable file; it is a directory');
    expect(problemsAt(at('large.yaml'))).toBe(
      'GATEWAY_CONFIG: got "/large.yaml", expected a file of at most 4 MiB; it has 4194305 bytes; several files may share what is in it',
    );
    expect(problemsAt(`${at('none.yaml')},${at('empty')}`).split('\n')).toHaveLength(2);
    expect(problemsAt('a.yaml,,b.yaml')).toContain('GATEWAY_CONFIG: got "", expected file names');
  });

  test('a folder of links, as Kubernetes mounts one, is read', () => {
    mkdirSync(at('mount/..2027'), { recursive: true });
    writeFileSync(at('mount/..2027/gateway.yaml'), `${BASE}routes: [{ path: /a, upstream: o }]\n`);
    symlinkSync('..2027', at('mount/..data'));
    symlinkSync('..data/gateway.yaml', at('mount/gateway.yaml'));
    expect(problemsAt(at('mount'))).toBe('');
  });
});

describe('keys of consumers that others may read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-modes-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const keys = join(folder, 'keys.yaml');
  const warnings = (mode: number, ownerId = process.getuid?.() ?? 0): readonly string[] => {
    writeFileSync(join(folder, 'base.yaml'), `${BASE}routes: [{ path: /a, upstream: o, authenticate: [api_key] }]\n`);
    writeFileSync(keys, `\nconsumers: { acme: { keys: [{ id: k, sha256: ${HASH} }] } }\n`);
    chmodSync(keys, mode);
    const machine = thisMachine();
    const factsOf: typeof machine.factsOf = (path) => {
      const facts = machine.factsOf(path);
      return facts === undefined ? undefined : { ...facts, ownerId };
    };
    const result = readConfig({ GATEWAY_CONFIG: folder }, (path) => readFileSync(path, 'utf8'), {
      ...machine,
      factsOf,
    });
    return result.warnings.map((each) => formatProblems([each]).replaceAll(folder, ''));
  };
  const line = (who: string): string =>
    `/keys.yaml:2: consumers: ${who} may read the keys of consumers, expected a file of their own for the gateway's user alone (chmod 600)`;

  test('are warned of; the group of a file that is not ours is how we read it', () => {
    expect(warnings(0o600)).toEqual([]);
    expect(warnings(0o644)).toEqual([line('every user of this machine')]);
    expect(warnings(0o640)).toEqual([line('its group')]);
    expect(warnings(0o640, 4711)).toEqual([]);
    expect(warnings(0o644, 4711)).toEqual([line('every user of this machine')]);
  });

  test('without keys there is nothing to warn of', () => {
    expect(
      read({ GATEWAY_CONFIG: 'open-to-all.yaml' }, { 'open-to-all.yaml': `${BASE}routes: [{ path: /a, upstream: o }]` })
        .warnings,
    ).toEqual([]);
  });
});
