import * as z from 'zod';
import { gatewaySchema } from './yaml-schema.ts';

/** JSON Schema (draft 2020-12) of the YAML that GATEWAY_CONFIG names, for editors and other tools. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(gatewaySchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, title: 'Gateway configuration', description: 'Routes and upstreams of the gateway.', ...rest };
}

/** What a walk through the schema needs to know of it. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Keys the file may have at a path, for "did you mean". */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let node: SchemaNode | undefined = jsonSchema();
  for (const step of path) {
    const rest: SchemaNode | boolean | undefined = node?.additionalProperties;
    const other: SchemaNode | undefined = typeof rest === 'object' ? rest : undefined;
    node = typeof step === 'number' ? node?.items : (node?.properties?.[String(step)] ?? other);
    node = node?.anyOf?.find(({ properties }) => properties !== undefined) ?? node;
  }
  return Object.keys(node?.properties ?? {});
}
