import { expect, it } from 'vitest';
import { misfit, operationsOf, resolve } from './openapi-document.ts';
import { call, documentOf, everyCall, startAdmin } from './setup.ts';

/** Every `$ref` in it. */
const refsOf = (document: unknown): string[] =>
  [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref ?? '');

it('the document has every call and is whole; a 404 and the index say the same', async () => {
  await using pair = await startAdmin();
  const { gateway } = pair;
  const document = await documentOf(gateway);
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: expect.any(String), version: expect.stringMatching(/^\d/) },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  });
  for (const ref of refsOf(document)) expect([ref, typeof resolve(document, ref)]).toEqual([ref, 'object']);

  const operations = operationsOf(document);
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, parameters, responses, method } of operations) {
    expect(['get', 'post', 'put', 'delete']).toContain(method);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect([path, parameters.filter((each) => each.in === 'path').map(({ name }) => name)]).toEqual([path, inPath]);
    expect(Object.keys(responses).filter((status) => status < '400')).toHaveLength(1);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '405', '413', '415', '500']));
  }

  // What the index has is what the 404 has is what the document has.
  const index = (await call(gateway, 'GET /admin')).json['paths'] as { method: string; path: string }[];
  const listed = index.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, 'x')}`);
  expect(listed.sort()).toEqual((await everyCall(gateway)).sort());
  expect((await call(gateway, 'GET /nothing')).json['paths']).toEqual(Object.keys(document.paths).sort());

  const problem = resolve(document, '#/components/schemas/Problem') as object;
  const refusals = ['GET /nothing', 'PUT /admin', 'GET /admin?x=1'].map((target) => call(gateway, target));
  for (const { json } of await Promise.all(refusals)) expect(misfit(document, problem, json)).toBeUndefined();
  expect(misfit(document, problem, { title: 'x' })).toBeDefined();
});
