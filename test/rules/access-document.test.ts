import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { configOf } from '../../src/shared/config/test-reading.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/access.md'), 'utf8');

test('what the document shows is a configuration, once it has an upstream', () => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(DOCUMENT) ?? [];
  const file = `upstreams: { orders: { url: "http://10.0.0.5:8080" } }\n${yaml}`;
  const [route] = configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': file }).routes;
  expect(route).toMatchObject({ maxQueryBytes: 2048, maxResponseBytes: 10 * 1024 * 1024 });
  expect(route?.rules?.cors?.origins).toEqual(['https://app.example.com', 'https://*.example.org']);
  expect(route?.rules?.ip).toHaveLength(1);
});
