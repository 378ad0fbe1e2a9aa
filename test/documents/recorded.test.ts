import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startAdmin } from '../admin/setup.ts';
import { adminApiDocument } from './admin-api-document.ts';
import { configurationDocument } from './configuration-document.ts';
import { errorsDocument } from './errors-document.ts';

/* Documents that are made of the product: `npx vitest run test/documents -u` writes them anew. */

const DOCS = resolve(import.meta.dirname, '../../docs');

test('docs/configuration.md has every variable and every key of the YAML', async () => {
  await expect(configurationDocument()).toMatchFileSnapshot(`${DOCS}/configuration.md`);
});

test('docs/errors.md has every code, its status, and what to do', async () => {
  await expect(errorsDocument()).toMatchFileSnapshot(`${DOCS}/errors.md`);
});

test('docs/admin-api.md has every call, as a running gateway says it', async () => {
  await using pair = await startAdmin();
  await expect(await adminApiDocument(pair.gateway)).toMatchFileSnapshot(`${DOCS}/admin-api.md`);
});
