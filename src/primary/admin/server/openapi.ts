import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { problemAnswer } from '../../../shared/admin/operations.ts';
import { VERSION } from '../../../shared/version.ts';
import type { AnyOperation } from '../contract/operation.ts';

type Json = Record<string, unknown>;

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const TOKEN = [{ token: [] }];

/** Problems of every call. */
const COMMON: Readonly<Record<string, string>> = {
  400: 'Path, query or body are not as the call takes them; `errors` lists all that is wrong.',
  405: 'The path does not take the method; `Allow` has those that it takes.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  500: 'The call failed; the log says why.',
};

/** Problems of every call that is not for everyone. */
const GUARDED: Readonly<Record<string, string>> = {
  401: 'The admin token is needed.',
  403: 'There is no admin token, so nobody may change anything; or a read by a name that was made to point here.',
};

/** A schema as OpenAPI 3.1 has it, which is JSON Schema 2020-12. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, reused: 'inline' });
  return rest;
}

function responsesOf({ access, answer, produces, status = 200, problems }: AnyOperation): Json {
  const content = {
    ...(answer === undefined ? {} : { 'application/json': { schema: schemaOf(answer, 'output') } }),
    ...(produces === undefined ? {} : { [mediaType(produces)]: { schema: { type: 'string' } } }),
  };
  const refusals = Object.entries({ ...COMMON, ...(access === 'open' ? {} : GUARDED), ...problems }).map(
    ([code, description]) => [code, { description, content: PROBLEM }],
  );
  return { [status]: { description: STATUS_CODES[status] ?? '', content }, ...Object.fromEntries(refusals) };
}

/** Without its parameters. */
const mediaType = (type: string): string => type.split(';', 1)[0] ?? type;

function operationObject(operation: AnyOperation): Json {
  const { id, summary, parameters = {}, body, method, access } = operation;
  return {
    operationId: id,
    summary,
    parameters: Object.entries(parameters).map(([name, { in: where, description }]) => ({
      name,
      in: where,
      description,
      required: where === 'path',
      schema: { type: 'string' },
    })),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: responsesOf(operation),
    // `{}`: also without. Reads from this machine need no token, and without ADMIN_TOKEN no read does.
    security: access !== undefined ? [] : method === 'GET' ? [{}, ...TOKEN] : TOKEN,
  };
}

/** The OpenAPI 3.1 document of these operations, made of the schemas that validate. */
export function openApi(operations: readonly AnyOperation[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: operationObject(operation),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gateway admin API',
      version: VERSION,
      description:
        'Every change needs the admin token: ADMIN_TOKEN, or the one that the gateway made at its first start, in a file of its STATE_DIR. With ADMIN_TOKEN set, every read but those from the same machine needs it too.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemAnswer, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The admin token' } },
    },
  };
}
