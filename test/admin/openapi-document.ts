import * as z from 'zod';
import type { DocumentedOperation } from './setup.ts';

type Document = Readonly<Record<string, unknown>>;
type Paths = Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;

/** A call of the document with where it stands. */
export type Operation = DocumentedOperation & {
  readonly path: string;
  /** In lower case. */
  readonly method: string;
  readonly document: Document;
};

export const operationsOf = (document: Document & { readonly paths: Paths }): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({ ...each, path, method, document })),
  );

/** What a `$ref` of the document points to. */
export function resolve(document: Document, ref: string): unknown {
  let at: unknown = document;
  for (const step of ref.replace(/^#\//, '').split('/')) {
    at = (at as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at;
}

/** How the value does not fit the schema; undefined where it does. */
export function misfit(document: Document, schema: object, value: unknown): unknown {
  const ref = (schema as { readonly $ref?: string }).$ref;
  const whole = ref === undefined ? schema : resolve(document, ref);
  const result = z.fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value);
  return result.success ? undefined : result.error.issues;
}
