import { z } from 'zod';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';
import { openApi } from './openapi.ts';

const indexAnswer = z.object({
  name: z.string(),
  openapi: z.string(),
  paths: z.array(z.object({ method: z.string(), path: z.string(), summary: z.string() })),
});

/** The given operations, and those that tell of all of them. */
export function withDocuments(operations: readonly AnyOperation[]): readonly AnyOperation[] {
  const documents: readonly AnyOperation[] = [
    operation({
      method: 'GET',
      path: '/admin',
      id: 'index',
      summary: 'What the admin API has.',
      answer: indexAnswer,
      handle: () => json(200, index),
    }),
    operation({
      method: 'GET',
      path: '/admin/openapi.json',
      id: 'openapi',
      summary: 'This API as an OpenAPI 3.1 document.',
      answer: z.record(z.string(), z.unknown()),
      handle: () => json(200, (document ??= openApi(all))),
    }),
  ];
  const all: readonly AnyOperation[] = [...operations, ...documents].sort((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : 0,
  );
  const index = {
    name: 'gateway admin API',
    openapi: '/admin/openapi.json',
    paths: all.map(({ method, path, summary }) => ({ method, path, summary })),
  };
  // Made when it is first asked for: a start does not wait for it.
  let document: Readonly<Record<string, unknown>> | undefined;
  return all;
}
