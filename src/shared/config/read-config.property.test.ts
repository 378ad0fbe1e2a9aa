import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { IpClients } from '../limits/ip-client.ts';
import { compileRule } from '../limits/rule.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { ENV_NAMES } from './env-table.ts';
import { memoryFiles } from './test-reading.ts';
import { formatProblems } from './problems.ts';
import { readConfig } from './read-config.ts';

const bits = [
  '0',
  '1',
  '65536',
  'on',
  'off',
  'http://',
  'a',
  '@',
  '/',
  '..',
  ',',
  '::1',
  '/8',
  'sampled:',
  'redis://',
  'header:',
  'ip',
  '::ffff:1.2.3.4/',
  '.',
  '-',
  '\n',
  '\0',
  'é',
];
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...bits), { maxLength: 6 }).map((parts) => parts.join('')),
);
const environment = fc.dictionary(
  fc.oneof(fc.constantFrom(...ENV_NAMES), fc.string()),
  fc.option(value, { nil: undefined }),
);

const keys = (
  'routes upstreams path exact upstream url targets timeouts methods __proto__ constructor tls ca_file host name ' +
  'limits capacity refill_per_second cost circuit_breaker window slow_rate failure_statuses'
).split(' ');
const marks = [
  ': ',
  ':\n',
  '\n',
  '  ',
  '    ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ', ',
  '&a ',
  '*a',
  '<<',
  '? ',
  '| ',
  '!!map ',
  '"',
  '---\n',
  '\t',
];
const words = [...keys, ...marks, '/a', 'http://a', 'GET', '1', '-1', '.nan', 'null', 'true'];
const yamlText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join('')),
);
/** Well-formed YAML (JSON is) of the right words in any shape, so that the checks behind the parser are reached. */
const yamlData = fc
  .letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(
        fc.constantFrom('/a', '/a/..', '/health', 'http://a', 'ftp:', 'GET', 'default', ''),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('node'), {
        maxKeys: 5,
      }),
    ),
  }))
  .node.map((data) => JSON.stringify(data));

/** Reads it, and checks what holds for every input. */
function check(env: Record<string, string | undefined>, files: Record<string, string>): void {
  const result = readConfig(env, memoryFiles(files));
  if (result.ok) {
    expect(Object.isFrozen(result.config)).toBe(true);
    expect(result.config.routes.length).toBeGreaterThan(0);
    const names = result.config.upstreams.map(({ name }) => name);
    for (const { upstream } of result.config.routes) expect(names).toContain(upstream);
    for (const { limits } of result.config.routes) {
      if (limits === undefined) continue;
      // What the limiter does with it at start, where a throw would be too late.
      expect(limits.rules.map(compileRule).length).toBeGreaterThan(0);
      expect(new Set(limits.rules.map(({ name }) => name)).size).toBe(limits.rules.length);
    }
    expect(() => new IpClients(result.config.limits.ipv6Prefix)).not.toThrow();
    expect(() => new TrustedProxies(result.config.limits.allowlist.cidrs)).not.toThrow();
    expect(() => new TrustedProxies(result.config.server.trustedProxies)).not.toThrow();
    for (const { targets } of result.config.upstreams) expect(targets.length).toBeGreaterThan(0);
  } else {
    expect(result.problems.length).toBeGreaterThan(0);
    expect(formatProblems(result.problems).split(/[\n\r]/)).toHaveLength(result.problems.length);
  }
}

test.prop([environment])(
  'any environment gives a sound configuration or problems, one line each, and never throws',
  (env) => {
    check(env, {});
  },
);

test.prop([fc.oneof(yamlText, yamlData), fc.boolean()], { numRuns: 400 })('so does any YAML', (text, hasUrl) => {
  check({ GATEWAY_CONFIG: 'g.yaml', UPSTREAM_URL: hasUrl ? 'http://a' : undefined }, { 'g.yaml': text });
});
