import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../describe-config.ts';
import { configOf, problemsOf } from '../test-reading.ts';
import { expand } from './references.ts';

const FILES: Readonly<Record<string, string>> = { '/run/secrets/x': 'from-file\n', 'd/beside': 'near', '/empty': '\n' };
const readFile = (path: string): string => {
  const text = FILES[path];
  if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
  return text;
};
const sources = { env: { A: '1', EMPTY: '', TWICE: '${A}', API_TOKEN: 's3cret' }, readFile, file: 'd/g.yaml' };
const textOf = (text: string): string => expand(text, sources).text;

describe('a reference', () => {
  test.each([
    ['${A}', '1'],
    ['x${A}y${A}', 'x1y1'],
    ['${NONE:-else}', 'else'],
    ['${EMPTY:-else}', 'else'],
    ['${NONE:-}', ''],
    ['${NONE:-a:-b}', 'a:-b'],
    ['${A:-else}', '1'],
    ['${file:/run/secrets/x}', 'from-file'],
    ['${file:beside}', 'near'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$A $ {A} $', '$A $ {A} $'],
    ['/users/$1', '/users/$1'],
    ['${TWICE}', '${A}'],
    ['${consumer} ${request_id} ${client_ip}', '${consumer} ${request_id} ${client_ip}'],
  ])('%j is %j', (text, wanted) => {
    expect(expand(text, sources)).toMatchObject({ text: wanted, broken: [] });
  });

  test.each([
    ['${NONE}', 'the variable is not set'],
    ['${EMPTY}', 'the variable is not set'],
    ['${file:/none}', 'its file cannot be read'],
    ['${file:/empty}', 'its file is empty'],
    ['${A', 'it has no }'],
    ['${}', 'it is no ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}'],
    ['${A-b}', 'it is no ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}'],
    ['${1A}', 'it is no ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}'],
  ])('%j is broken: %s', (text, reason) => {
    expect(expand(text, sources).broken).toMatchObject([{ text, reason }]);
  });

  test('to a file, or to a variable that is called as secrets are, is secret', () => {
    expect(expand('${A} ${API_TOKEN} ${file:beside} ${API_TOKEN_:-x}', sources)).toMatchObject({
      secrets: ['s3cret', 'near'],
      files: ['d/beside'],
    });
  });

  property.prop([fc.string({ unit: 'binary' })])('of whatever text gives a text', (text) => {
    expect(typeof textOf(`\${A:-${text}`)).toBe('string');
    expect(textOf(text.replaceAll('$', '$$'))).not.toContain('from-file');
  });
});

describe('references in a file', () => {
  const problems = (yaml: string, env: Record<string, string> = {}): readonly string[] =>
    problemsOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml, '/s': 's3cret-x\n' });

  test('stand for texts, numbers and switches, as each field wants, and never for more', () => {
    const yaml = `
upstreams:
  o: { url: "http://\${HOST}:\${PORT_OF_O:-8080}", connections: "\${COUNT}", tls: { verify: "\${VERIFY}" } }
routes:
  - path: \${PATH_A}
    name: "\${COUNT}"
    upstream: o
    limits: [{ capacity: "\${COUNT}", refill_per_second: "\${RATE:-0.5}" }]
  - { path: /literal, upstream: o, host: &host "\${HOST}" }
  - { path: /alias, upstream: o, host: *host }
`;
    const env = { HOST: 'o.test', COUNT: '12', VERIFY: 'false', PATH_A: '/a' };
    const config = configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });
    expect(config.upstreams[0]).toMatchObject({ connections: 12, tls: { verify: false } });
    expect(config.upstreams[0]?.targets[0]?.origin).toBe('http://o.test:8080');
    expect(config.routes.map(({ name, host }) => [name, host])).toEqual([
      ['12', undefined],
      ['literal', 'o.test'],
      ['alias', 'o.test'],
    ]);
    expect(config.routes[0]?.limits?.rules[0]).toMatchObject({ capacity: 12, refillPerSecond: 0.5 });
    const injected = '/a\n    upstream: other # {}';
    expect(problems(yaml, { ...env, PATH_A: injected })).toEqual([
      expect.stringMatching(/^g\.yaml:5: routes\[0\]\.path: got "\/a\\n/),
    ]);
    expect(problems(yaml, { ...env, COUNT: '12x' })[0]).toContain('connections: got "12x", expected a whole number');
  });

  test('to nothing have their line and column', () => {
    const yaml =
      'upstreams:\n  o: { url: "http://${HOST}/${HOST:-x}" }\nroutes:\n  - path: /${NONE}\n    upstream: o\n';
    expect(problems(yaml)).toEqual([
      'g.yaml:2:21: ${HOST}: the variable is not set; ${HOST:-…} has a default',
      'g.yaml:4:12: ${NONE}: the variable is not set; ${NONE:-…} has a default',
    ]);
  });

  test('that are secret are shown nowhere', () => {
    const of = (url: string, more = ''): string =>
      `upstreams: { o: { url: "${url}" } }\nroutes: [{ path: /a, upstream: o${more} }]\n`;
    const env = { UPSTREAM_TOKEN: 'to ken', GATEWAY_CONFIG: 'g.yaml' };
    const files = { 'g.yaml': of('http://${UPSTREAM_TOKEN}.test/${file:/s}/${UPSTREAM_TOKEN}'), '/s': 's3cret-x\n' };
    const bad = problemsOf(env, files);
    expect(bad).toEqual([expect.stringMatching(/^g\.yaml:1: upstreams\.o\.url: got \*\*\*, expected /)]);
    const list = of('http://o', ', authenticate: [api_key], allow: { groups: ["${UPSTREAM_TOKEN} x"] }');
    expect(problemsOf(env, { 'g.yaml': list }).join()).toMatch(/groups\[0\]: got \*\*\*, expected/);
    const good = configOf(
      { ...env, UPSTREAM_TOKEN: 'Tok' },
      {
        'g.yaml': of('http://x-${file:/s}.test/${file:/s}/pq', ', host: "a${UPSTREAM_TOKEN}.test"'),
        '/s': 'S3cret-X\n',
      },
    );
    const shown = JSON.stringify(describeConfig(good));
    expect(shown).toContain('http://x-***.test');
    expect(shown.toLowerCase()).not.toContain('s3cret');
    expect(shown).toContain('atok.test'); // three letters may be in any word
  });
});
