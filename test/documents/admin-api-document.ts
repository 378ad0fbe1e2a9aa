import { call, documentOf } from '../admin/setup.ts';
import { operationsOf } from '../admin/openapi-document.ts';
import type { Operation } from '../admin/openapi-document.ts';
import type { Gateway } from '../support/gateway.ts';
import { code, document, markdownTable } from './markdown.ts';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A schema in a line: `{ state: "OPEN" | "CLOSED", for?: number }`. */
function shape(schema: Schema, depth = 0): string {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map((each) => shape(each, depth)))].join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  if (schema.items !== undefined) return `[${shape(schema.items, depth)}]`;
  if (schema.properties === undefined) return schema.type ?? 'any';
  if (depth > 1) return '{…}';
  const members = Object.entries(schema.properties).map(
    ([name, value]) => `${name}${schema.required?.includes(name) === true ? '' : '?'}: ${shape(value, depth + 1)}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

interface Told {
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }
    >
  >;
}

const accessOf = (security: readonly object[]): string =>
  security.length === 0
    ? 'Everybody may ask.'
    : security.some((way) => Object.keys(way).length === 0)
      ? 'A read: from this machine without a token.'
      : 'A change: needs the admin token, leaves an audit line.';

/** Statuses that any call may answer with, so they are said once. */
const COMMON = new Set(['400', '401', '403', '405', '413', '415', '500']);

function section(operation: Operation): string {
  const { path, method } = operation;
  const { summary, security, parameters, requestBody, responses } = operation as unknown as Told;
  const answers = Object.entries(responses).filter(([status]) => !COMMON.has(status));
  const rows = answers.map(([status, { description, content = {} }]) => {
    const [type, one] = Object.entries(content)[0] ?? ['', undefined];
    const isProblem = type === 'application/problem+json';
    return [
      status,
      isProblem
        ? description
        : `${type}${type === 'application/json' && one !== undefined ? `: ${code(shape(one.schema))}` : ''}`,
    ];
  });
  const asked = [
    ...parameters.map(({ name, in: where, description }) => [code(name), where, description]),
    ...(requestBody === undefined
      ? []
      : [['body', 'JSON', code(shape(requestBody.content['application/json']?.schema ?? {}))]]),
  ];
  return [
    `### ${method.toUpperCase()} ${path}`,
    `${summary.replace(/\.?$/, '.')} ${accessOf(security)}`,
    ...(asked.length === 0 ? [] : [markdownTable(['takes', 'in', 'what'], asked)]),
    markdownTable(['status', 'answer'], rows),
  ].join('\n\n');
}

/** docs/admin-api.md, as a running gateway says it of itself. */
export async function adminApiDocument(gateway: Gateway): Promise<string> {
  const operations = operationsOf(await documentOf(gateway));
  const problems = Object.entries(
    (operations.find(({ method }) => method === 'post') as unknown as Told).responses,
  ).filter(([status]) => COMMON.has(status));
  const unknown = await call(gateway, 'GET /nothing');
  return document(
    'Admin API',
    'On `ADMIN_HOST`:`ADMIN_PORT` (127.0.0.1:9901). `GET /admin/openapi.json` is the same as an OpenAPI 3.1 document, with the schemas that validate ' +
      'bodies and answers; `GET /admin` lists the calls. The `gateway` command makes these calls for people.',
    'A change needs `Authorization: Bearer TOKEN`: `ADMIN_TOKEN`, or what the gateway made at its first start in its `STATE_DIR`. A read from this machine ' +
      'needs none; with `ADMIN_TOKEN` set every other read does. Refusals are `application/problem+json` with a `code`, such as ' +
      `${code(String(unknown.json['code']))}.`,
    '```bash\ncurl http://127.0.0.1:9901/admin/status\n```',
    '## Any call',
    markdownTable(
      ['status', 'when'],
      [
        ...problems.map(([status, { description }]) => [status, description]),
        ['404', String(unknown.json['detail'])],
      ].toSorted(([one = ''], [other = '']) => one.localeCompare(other)),
    ),
    '## Calls',
    markdownTable(
      ['call', 'what'],
      operations.map(({ method, path, summary }) => [
        `[${method.toUpperCase()} ${path}](#${`${method} ${path}`
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-')})`,
        String(summary),
      ]),
    ),
    ...operations.map(section),
  );
}
