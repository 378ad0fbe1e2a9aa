import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { configOf } from '../../src/shared/config/test-reading.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/rules.md'), 'utf8');

test('what the document shows is a configuration', () => {
  const blocks = [...DOCUMENT.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
  expect(blocks.length).toBeGreaterThan(0);
  for (const yaml of blocks) {
    expect(configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml }).routes.length).toBeGreaterThan(0);
  }
});
