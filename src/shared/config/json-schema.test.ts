import { expect, test } from 'vitest';
import * as z from 'zod';
import { parse } from 'yaml';
import { jsonSchema, keysAt } from './json-schema.ts';

const validator = z.fromJSONSchema(jsonSchema());

const GOOD = `
upstreams:
  orders: { targets: [http://10.0.0.1:8080], connections: 64, tls: { verify: true } }
  users: { url: http://users, circuit_breaker: { mode: off, window: { error_rate: 0.5 }, failure_statuses: [500] } }
routes:
  - { path: /orders, upstream: orders, methods: [GET], timeouts: { connect_seconds: 1 } }
  - { exact: /users/me, upstream: users, host: api.example.com, limits: [{ capacity: 10, refill_per_second: 0.1 }], cost: 2 }
  - { path: /free, upstream: users, limits: [] }
`;

test('takes a good file and refuses a bad one', () => {
  expect(validator.safeParse(parse(GOOD)).error).toBeUndefined();
  expect(validator.safeParse(parse(GOOD.replace('connections: 64', 'connections: many'))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('capacity: 10', 'capacity: -1'))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('mode: off', 'mode: of'))).success).toBe(false);
  expect(validator.safeParse(parse(`${GOOD}extra: 1`)).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('upstream: users, ', ''))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('path: /orders, ', ''))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('exact:', 'path: /a, exact:'))).success).toBe(false);
});

test('takes a redirect in place of an upstream, and one of some requests beside it', () => {
  const takes = (keys: string): boolean =>
    validator.safeParse(parse(`upstreams: { o: { url: http://o } }\nroutes: [{ path: /, ${keys} }]`)).success;
  expect(takes('redirect: { to: /a }')).toBe(true);
  expect(takes('redirect: { to: /a }, upstream: o')).toBe(false);
  expect(takes('redirect: { scheme: https }')).toBe(false);
  expect(takes('redirect: { scheme: https }, upstream: o')).toBe(true);
  expect(takes('redirect: { pattern: "^/a$", to: /b }, respond: { text: x }')).toBe(true);
  expect(takes('redirect: { pattern: "^/a$", to: /b }, respond: { text: x }, upstream: o')).toBe(false);
});

test('is draft 2020-12, in one piece, without references', () => {
  expect(jsonSchema()['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(JSON.stringify(jsonSchema())).not.toContain('$ref');
});

test('says of every field what it is', () => {
  const silent: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties, items, additionalProperties } = node as Record<string, unknown>;
    for (const [name, field] of Object.entries(properties ?? {})) {
      if (!('description' in (field as object))) silent.push(`${path}.${name}`);
      visit(field, `${path}.${name}`);
    }
    visit(items, `${path}[]`);
    visit(additionalProperties, `${path}.*`);
  };
  visit(jsonSchema(), '');
  expect(silent).toEqual([]);
});

test('knows the keys at any path', () => {
  expect(keysAt([])).toEqual(['upstreams', 'routes', 'profiles', 'consumers', 'issuers', 'authorities']);
  expect(keysAt(['upstreams', 'any', 'tls'])).toEqual(['ca_file', 'server_name', 'verify']);
  expect(keysAt(['routes', 3, 'limits', 1])).toEqual(['name', 'capacity', 'refill_per_second']);
  expect(keysAt(['upstreams', 'any', 'circuit_breaker', 'window'])).toContain('min_volume');
  expect(keysAt(['routes', 3, 'timeouts'])).toContain('total_seconds');
  expect(keysAt(['nowhere', 1, 'at all'])).toEqual([]);
});
