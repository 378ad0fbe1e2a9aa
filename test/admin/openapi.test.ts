import { expect, it } from 'vitest';
import * as z from 'zod';
import { call, documentOf, everyCall, startAdmin } from './setup.ts';
import type { DocumentedOperation } from './setup.ts';

/** Every `$ref` in it. */
const refsOf = (document: unknown): string[] =>
  [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref ?? '');

function resolve(document: unknown, ref: string): unknown {
  let at = document;
  for (const step of ref.replace(/^#\//, '').split('/')) {
    at = (at as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at;
}

const fits = (schema: object, value: unknown): unknown => {
  const result = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value);
  return result.success ? 'fits' : result.error.issues;
};

it('the document has every call, is whole, and real answers are as it says', async () => {
  await using pair = await startAdmin();
  const { gateway } = pair;
  const document = await documentOf(gateway);
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: expect.any(String), version: expect.stringMatching(/^\d/) },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  });
  for (const ref of refsOf(document)) expect([ref, typeof resolve(document, ref)]).toEqual([ref, 'object']);

  const operations: (DocumentedOperation & { readonly path: string; readonly method: string })[] = Object.entries(
    document.paths,
  ).flatMap(([path, methods]) => Object.entries(methods).map(([method, each]) => ({ ...each, path, method })));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, parameters, responses, method } of operations) {
    expect(['get', 'post', 'put', 'delete']).toContain(method);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect([path, parameters.filter((each) => each.in === 'path').map(({ name }) => name)]).toEqual([path, inPath]);
    expect(Object.keys(responses).filter((status) => status < '400')).toHaveLength(1);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '403', '405', '413', '415', '500']));
  }

  // What the index has is what the 404 has is what the document has.
  const index = (await call(gateway, 'GET /admin')).json['paths'] as { method: string; path: string }[];
  const listed = index.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, 'x')}`);
  expect(listed.sort()).toEqual((await everyCall(gateway)).sort());
  expect((await call(gateway, 'GET /nothing')).json['paths']).toEqual(Object.keys(document.paths).sort());

  const problem = resolve(document, '#/components/schemas/Problem') as object;
  for (const { path, method, responses } of operations) {
    if (method !== 'get') continue;
    const answer = await call(gateway, `GET ${path.replace(/\{\w+\}/g, 'nobody')}`, {
      headers: { accept: 'application/json' },
    });
    const documented = responses[answer.status]?.content;
    const type = answer.headers['content-type']?.split(';')[0] ?? '';
    expect([path, Object.keys(documented ?? {})]).toEqual([path, expect.arrayContaining([type])]);
    if (type !== 'application/json') continue;
    expect([path, fits(documented?.[type]?.schema ?? {}, answer.json)]).toEqual([path, 'fits']);
  }
  const refusals = ['GET /nothing', 'PUT /admin', 'GET /admin?x=1'].map((target) => call(gateway, target));
  for (const { json } of await Promise.all(refusals)) expect(fits(problem, json)).toBe('fits');
  expect(fits(problem, { title: 'x' })).not.toBe('fits');
  const changed = await call(gateway, 'PUT /admin/log-level', { body: { level: 'warn' } });
  expect(
    fits(
      document.paths['/admin/log-level']?.['put']?.responses['200']?.content?.['application/json']?.schema ?? {},
      changed.json,
    ),
  ).toBe('fits');
});
