import { expect, test } from 'vitest';
import * as z from 'zod';
import { parse } from 'yaml';
import { jsonSchema, keysAt } from './json-schema.ts';

const validator = z.fromJSONSchema(jsonSchema());

const GOOD = `
upstreams:
  orders: { targets: [http://10.0.0.1:8080], connections: 64, tls: { verify: true } }
  users: { url: http://users }
routes:
  - { path: /orders, upstream: orders, methods: [GET], timeouts: { connect_seconds: 1 } }
  - { exact: /users/me, upstream: users, host: api.example.com }
`;

test('takes a good file and refuses a bad one', () => {
  expect(validator.safeParse(parse(GOOD)).error).toBeUndefined();
  expect(validator.safeParse(parse(GOOD.replace('connections: 64', 'connections: many'))).success).toBe(false);
  expect(validator.safeParse(parse(`${GOOD}extra: 1`)).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('upstream: users, ', ''))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('path: /orders, ', ''))).success).toBe(false);
  expect(validator.safeParse(parse(GOOD.replace('exact:', 'path: /a, exact:'))).success).toBe(false);
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
  expect(keysAt([])).toEqual(['upstreams', 'routes']);
  expect(keysAt(['upstreams', 'any', 'tls'])).toEqual(['ca_file', 'server_name', 'verify']);
  expect(keysAt(['routes', 3, 'timeouts'])).toContain('total_seconds');
  expect(keysAt(['nowhere', 1, 'at all'])).toEqual([]);
});
