import { resolve } from 'node:path';
import { expiredAuthorities, expiredCertificates } from './tls/certificates.ts';
import { checkEnv } from './env-checks.ts';
import { readConfigFiles } from './files/config-files.ts';
import { mergeYaml } from './files/merged-yaml.ts';
import type { MergedYaml } from './files/merged-yaml.ts';
import { typeReferences } from './files/typed-values.ts';
import { deepFreeze } from './freeze.ts';
import { badKeyFiles } from './identity/warnings.ts';
import { thisMachine } from './server/machine.ts';
import type { Machine } from './server/machine.ts';
import { defaultStateDir } from './server/state-dir.ts';
import { envText, misspeltVariables, readEnv } from './read-env.ts';
import type { Environment, ReadEnv } from './read-env.ts';
import type { Problem } from './problems.ts';
import { workersOf } from './overload/checks.ts';
import { resolveConfig } from './resolve.ts';
import { secretFilesOf } from './secret-files.ts';
import type { ReadFile } from './text-file.ts';
import type { Config } from './types.ts';
import { warningsOf } from './warnings.ts';
import { weakSettings } from './weak-settings.ts';
import { checkYaml } from './yaml-checks.ts';
import { placed } from './yaml-problems.ts';
import { gatewaySchema } from './yaml-schema.ts';
import type { GatewayYaml } from './yaml-schema.ts';
import { parseYaml } from './yaml-source.ts';

export type { Environment } from './read-env.ts';

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      /** GATEWAY_SUPERVISE, which only the command needs. */
      readonly supervise: boolean;
      /** Things that work but are hardly meant. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

type YamlResult =
  | { readonly ok: true; readonly yaml: MergedYaml | undefined }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const byPlace = (a: Problem, b: Problem): number =>
  a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0) : 0;

interface Reading {
  readonly env: Environment;
  readonly read: ReadEnv;
  readonly readFile: ReadFile;
  readonly machine: Machine;
}

function readYaml({ env, read: { values, problems: inEnv }, readFile, machine }: Reading): YamlResult {
  const names = values.GATEWAY_CONFIG;
  if (names === undefined) return { ok: true, yaml: undefined };
  const { factsOf, entriesOf } = machine;
  const read = readConfigFiles(names, { readFile, factsOf, entriesOf });
  if (!read.ok) return read;
  const parts = read.files.map(({ file, text }) => ({ file, source: parseYaml(text, { env, readFile, file }) }));
  const unreadable = parts.flatMap(({ source }) => source.problems);
  const [first, ...others] = parts;
  if (unreadable.length > 0 || first === undefined) return { ok: false, problems: unreadable };
  const yaml = mergeYaml([first, ...others]);
  if (yaml.problems.length > 0) return { ok: false, problems: yaml.problems };
  typeReferences(yaml.value, gatewaySchema, yaml.isReference);
  const hasDefaultUpstream = envText(env, 'UPSTREAM_URL') !== undefined;
  const isUnsure = inEnv.some(({ key }) => key === 'TLS_CLIENT_AUTH' || key === 'CLIENT_CERT_HEADER');
  const takesCertificates = isUnsure || values.TLS_CLIENT_AUTH === 'optional' || values.CLIENT_CERT_HEADER;
  const workers = workersOf(values, inEnv);
  const surroundings = { fileOf: yaml.fileOf, readFile, hasDefaultUpstream, takesCertificates, workers };
  const wrong = checkYaml(yaml.value, surroundings);
  if (wrong.length === 0) return { ok: true, yaml };
  const files = parts.map(({ file }) => file);
  const problems = wrong.map((problem) => placed(problem, yaml)).toSorted(byPlace);
  return { ok: false, problems: files.flatMap((file) => problems.filter((problem) => problem.file === file)) };
}

/**
 * Reads and checks the whole configuration: the environment and the YAML files that GATEWAY_CONFIG names. Reports every
 * problem at once; never throws. The configuration is frozen through and through.
 * @param readFile reads a file as UTF-8 and throws when it cannot
 * @param machine by default this one
 */
export function readConfig(env: Environment, readFile: ReadFile, machine = thisMachine()): ConfigResult {
  const read = readEnv({ env, readFile });
  const { values, given } = read;
  const inEnv = [...read.problems, ...checkEnv(read, readFile)];
  const reading = readYaml({ env, read, readFile, machine });
  const warnings = [...misspeltVariables(env)];
  if (inEnv.length > 0 || !reading.ok) {
    return { ok: false, problems: [...inEnv, ...(reading.ok ? [] : reading.problems)], warnings };
  }
  const { yaml } = reading;
  const stateDir = values.STATE_DIR ?? defaultStateDir(env, machine.user);
  const named = secretFilesOf(env, values.TLS_KEY_FILE ?? []).map(({ path }) => path);
  const secretFiles = [...named, ...(yaml?.secretFiles ?? [])].map((path) => resolve(path));
  const data = yaml?.value as GatewayYaml | undefined;
  const checked =
    yaml === undefined || data === undefined ? undefined : { data, fileOf: yaml.fileOf, secrets: yaml.secrets };
  const config = deepFreeze(
    resolveConfig({ env: values, given, yaml: checked, machine, stateDir, secretFiles, readFile }),
  );
  warnings.push(...warningsOf(config, { given, yaml: data }));
  warnings.push(...weakSettings(config, { env, yaml, userId: machine.user.id, factsOf: machine.factsOf }));
  warnings.push(...expiredCertificates(config.server.tls, readFile));
  warnings.push(...badKeyFiles(config.identities, readFile));
  warnings.push(...expiredAuthorities(config.server.tls, readFile));
  return { ok: true, config, supervise: values.GATEWAY_SUPERVISE, warnings };
}
