import { BACKUPS_ENV } from '../../src/shared/config/backups/env.ts';
import { BREAKER_ENV } from '../../src/shared/config/breaker/env.ts';
import { ENV, ENV_NAMES } from '../../src/shared/config/env-table.ts';
import type { EnvName } from '../../src/shared/config/env-table.ts';
import { HEALTH_ENV } from '../../src/shared/config/health/env.ts';
import { IDENTITY_ENV } from '../../src/shared/config/identity/env.ts';
import { JOBS_ENV } from '../../src/shared/config/jobs/env.ts';
import { jsonSchema } from '../../src/shared/config/json-schema.ts';
import { LIMITS_ENV } from '../../src/shared/config/limits/env.ts';
import { REDIS_ENV } from '../../src/shared/config/redis/env.ts';
import { TLS_ENV } from '../../src/shared/config/tls/env.ts';
import { WEBSOCKET_ENV } from '../../src/shared/config/websocket/env.ts';
import { code, document, markdownTable, withCode } from './markdown.ts';

/** Subjects with a table of their own; variables of none are told apart by their names. */
const SUBJECTS: readonly (readonly [title: string, names: object])[] = [
  ['Upstreams', {}],
  ['WebSockets', WEBSOCKET_ENV],
  ['TLS for clients', TLS_ENV],
  ['Rate limits', LIMITS_ENV],
  ['Who calls', IDENTITY_ENV],
  ['Health probes', HEALTH_ENV],
  ['Circuit breakers', BREAKER_ENV],
  ['Redis and nodes', REDIS_ENV],
  ['Jobs', JOBS_ENV],
  ['Backups', BACKUPS_ENV],
  ['Only for tests', {}],
];
const OTHERS = 'The gateway';

function subjectOf(name: string): string {
  const own = SUBJECTS.find(([, names]) => name in names);
  if (own !== undefined) return own[0];
  return name.startsWith('UPSTREAM_') ? 'Upstreams' : name.startsWith('GATEWAY_TEST_') ? 'Only for tests' : OTHERS;
}

/** What its name ends with says what it is counted in. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_SECONDS$/, 'seconds'],
  [/_MILLISECONDS$/, 'milliseconds'],
  [/_MICROSECONDS$/, 'microseconds'],
  [/_DAYS$/, 'days'],
  [/_BYTES$/, 'bytes'],
  [/_REFILL_RATE$|_RATE_PER_IP$/, 'per second'],
  [/_SHARE$|_ERROR_RATE$/, 'share, 1 = all'],
  [/_PREFIX$/, 'bits'],
  [/_SCHEDULE$/, 'cron, UTC'],
];
const isNumber = (takes: string): boolean => /\bnumber\b/.test(takes);
const unitOf = (name: string, takes: string): string =>
  UNITS.find(([pattern]) => pattern.test(name))?.[1] ??
  (isNumber(takes) && !/_PORT$|^PORT$|^LISTEN_/.test(name) ? 'count' : '');

/** No variable can be this. */
const IMPOSSIBLE = '\u0001 ,';
/** What it takes, in the words in which the gateway refuses anything else. */
function takesOf(name: EnvName): string {
  const read = ENV[name].schema.safeParse(IMPOSSIBLE);
  return read.success ? 'a file name' : (read.error.issues[0]?.message ?? '');
}

const LONGEST_DEFAULT = 40;
function defaultOf(name: EnvName): string {
  if (name === 'WORKERS') return 'one per CPU';
  const text: string | undefined = ENV[name].default;
  if (text === undefined) return '';
  return text.length > LONGEST_DEFAULT ? 'below' : code(text);
}

const isName = (word: string): boolean => ENV_NAMES.includes(word);

function row(name: EnvName): readonly string[] {
  const { description, secret } = ENV[name];
  const takes = takesOf(name);
  return [
    code(name) + (secret ? '¹' : ''),
    defaultOf(name),
    unitOf(name, takes),
    takes.replaceAll('<', '&lt;'),
    withCode(description, (word) => word !== name && isName(word)),
  ];
}

const longDefaults = (names: readonly EnvName[]): readonly string[] =>
  names.flatMap((name) => {
    const text: string | undefined = ENV[name].default;
    return text === undefined || text.length <= LONGEST_DEFAULT
      ? []
      : [`${code(name)} is by default:`, `\`\`\`\n${text.replaceAll(':', ':\n')}\n\`\`\``];
  });

function variables(title: string): readonly string[] {
  const names = (Object.keys(ENV) as EnvName[]).filter((name) => subjectOf(name) === title);
  return [
    `### ${title}`,
    markdownTable(['variable', 'default', 'unit', 'takes', 'meaning'], names.map(row)),
    ...longDefaults(names),
  ];
}

interface Node {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Lists longer than this, such as that of all methods, are said by the description. */
const MOST_WORDS = 8;
/** What may stand there, as far as JSON Schema says it. */
function kindOf(node: Node): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(kindOf))].filter((kind) => kind !== '').join(' or ');
  if (node.enum !== undefined && node.enum.length <= MOST_WORDS) return node.enum.join(', ');
  if (node.items !== undefined) return `list of ${kindOf(node.items) || 'values'}`;
  if (node.properties !== undefined) return 'section';
  if (typeof node.additionalProperties === 'object') return 'mapping';
  const range = node.maximum === undefined ? '' : ` ${node.minimum ?? ''}–${node.maximum}`;
  const type = node.type ?? '';
  return typeof type === 'string' ? type + range : type.join(' or ');
}

/** Every key with those below it; `*` stands for a name, `[]` for one of a list. */
function keysBelow(node: Node, path: string): readonly (readonly string[])[] {
  const below = [node, ...(node.anyOf ?? [])];
  return below.flatMap((each) => {
    const named: readonly (readonly [string, Node])[] = [
      ...Object.entries(each.properties ?? {}).map(
        ([key, value]) => [path === '' ? key : `${path}.${key}`, value] as const,
      ),
      ...(typeof each.additionalProperties === 'object' ? [[`${path}.*`, each.additionalProperties] as const] : []),
    ];
    const listed = each.items === undefined ? [] : keysBelow(each.items, `${path}[]`);
    return [
      ...named.flatMap(([key, value]) => [
        ...(value.description === undefined
          ? []
          : [[code(key), kindOf(value), withCode(value.description, isName).replaceAll('<', '&lt;')]]),
        ...keysBelow(value, key),
      ]),
      ...listed,
    ];
  });
}

/** docs/configuration.md. */
export function configurationDocument(): string {
  const schema = jsonSchema() as Node;
  const sections = Object.entries(schema.properties ?? {}).flatMap(([key, node]) => {
    const rows = keysBelow(node, key);
    const what = node.description === undefined ? [] : [withCode(node.description, isName)];
    return [`### ${key}`, ...what, ...(rows.length === 0 ? [] : [markdownTable(['key', 'takes', 'meaning'], rows)])];
  });
  return document(
    'Configuration',
    'Environment variables are the defaults; the YAML files that `GATEWAY_CONFIG` names add upstreams, routes and who calls ' +
      '([several files](configuration-files.md)). `gateway check` reads both, says every problem at once, and prints what the gateway would run with. ' +
      '`gateway config` prints what a running one uses.',
    '## Variables',
    '¹ A secret: it can also be given as a file, in a variable of the same name with `_FILE` at its end. No default: unset means what is said. ' +
      'Seconds may be fractions, such as `0.25`.',
    ...[OTHERS, ...SUBJECTS.map(([title]) => title)].flatMap(variables),
    '## YAML',
    '`gateway schema` prints the same as JSON Schema, for editors. `*` stands for a name, `[]` for one of a list; every key but those said to be needed may be absent.',
    ...sections,
  );
}
