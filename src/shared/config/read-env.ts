import { closest, didYouMean } from './did-you-mean.ts';
import { ENV, ENV_NAMES } from './env-table.ts';
import type { EnvName, EnvValues } from './env-table.ts';
import type { EnvVariable } from './env-variable.ts';
import { showValue } from './problems.ts';
import type { Problem } from './problems.ts';
import { tryReadFile } from './text-file.ts';
import type { ReadFile } from './text-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What configuration is read from. */
export interface Sources {
  readonly env: Environment;
  readonly readFile: ReadFile;
}

export interface ReadEnv {
  /** A variable with a problem has its default here, so that the rest can still be checked. */
  readonly values: EnvValues;
  /** The variables that are set, rightly or not. */
  readonly given: ReadonlySet<EnvName>;
  readonly problems: readonly Problem[];
}

type TextOf = { readonly text: string | undefined } | { readonly problem: Problem };

/** An empty variable is an unset one: compose files and CI cannot always leave one out. */
export const envText = (env: Environment, name: string): string | undefined =>
  env[name] === '' ? undefined : env[name];

function secretText({ env, readFile }: Sources, name: string): TextOf {
  const text = envText(env, name);
  const fileKey = `${name}_FILE`;
  const path = envText(env, fileKey);
  if (path === undefined) return { text };
  const problem = { key: fileKey, value: showValue(path) };
  if (text !== undefined) {
    return { problem: { ...problem, expected: `only one of ${name} and ${fileKey}`, reason: `${name} is set too` } };
  }
  const file = tryReadFile(readFile, path);
  if (!file.ok) return { problem: { ...problem, expected: 'a readable file', hint: file.why } };
  const content = file.text.trim();
  // An empty secret would silently be no secret at all.
  return content === '' ? { problem: { ...problem, expected: 'a file that is not empty' } } : { text: content };
}

type Checked = { readonly problem: Problem } | { readonly problem: undefined; readonly value: unknown };

function checkVariable(name: string, variable: EnvVariable<unknown>, text: string): Checked {
  const result = variable.schema.safeParse(text, { reportInput: true });
  if (result.success) return { value: result.data, problem: undefined };
  const [issue] = result.error.issues;
  const options = issue?.code === 'invalid_value' ? issue.values.map(String) : [];
  const problem = {
    key: name,
    value: variable.secret ? '***' : showValue(issue?.input ?? text),
    expected: issue?.message ?? variable.description,
    ...didYouMean(text, options),
  };
  return { problem };
}

/** Reads and checks every variable of the table; never throws. */
export function readEnv(sources: Sources): ReadEnv {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  const given = new Set<EnvName>();
  for (const [name, variable] of Object.entries(ENV) as [EnvName, EnvVariable<unknown>][]) {
    const fallback = variable.default === undefined ? undefined : variable.schema.parse(variable.default);
    const source = variable.secret ? secretText(sources, name) : { text: envText(sources.env, name) };
    values[name] = fallback;
    if ('problem' in source) problems.push(source.problem);
    else if (source.text !== undefined) {
      given.add(name);
      const checked = checkVariable(name, variable, source.text);
      if (checked.problem === undefined) values[name] = checked.value;
      else problems.push(checked.problem);
    }
  }
  return { values: values as EnvValues, given, problems };
}

/** Only with one of these in front can a name we do not know be taken for one of ours. */
const OUR_PREFIX =
  /^(RATE_LIMIT|CIRCUIT_BREAKER|REDIS|BACKUP|UPSTREAM|GATEWAY|TLS|ADMIN|TRUSTED|DRAIN|IDLE_TIMEOUT|BODY_IDLE|RESPONSE_HEADERS|WEBSOCKET)_/;

/** Variables that look like a misspelt one of ours. Their values stay out: one may be a secret. */
export function misspeltVariables(env: Environment): readonly Problem[] {
  return Object.keys(env)
    .filter((name) => OUR_PREFIX.test(name) && !ENV_NAMES.includes(name) && envText(env, name) !== undefined)
    .flatMap((name) => {
      const meant = closest(name, ENV_NAMES, 2);
      if (meant === undefined) return [];
      const reason = 'the gateway has no such variable';
      return [{ key: name, value: undefined, expected: meant, reason, hint: `did you mean "${meant}"?` }];
    });
}
