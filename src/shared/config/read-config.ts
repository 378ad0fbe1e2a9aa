import { resolve } from 'node:path';
import { expiredAuthorities, expiredCertificates } from './tls/certificates.ts';
import { checkEnv } from './env-checks.ts';
import { deepFreeze } from './freeze.ts';
import { thisMachine } from './server/machine.ts';
import { defaultStateDir } from './server/state-dir.ts';
import { envText, misspeltVariables, readEnv } from './read-env.ts';
import type { Environment, ReadEnv } from './read-env.ts';
import { showValue } from './problems.ts';
import type { Problem } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import type { Checked } from './resolve.ts';
import { secretFilesOf } from './secret-files.ts';
import { tryReadFile } from './text-file.ts';
import type { ReadFile } from './text-file.ts';
import type { Config } from './types.ts';
import { warningsOf } from './warnings.ts';
import { weakSettings } from './weak-settings.ts';
import { checkYaml } from './yaml-checks.ts';
import { placed } from './yaml-problems.ts';
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
  | { readonly ok: true; readonly yaml: Checked['yaml'] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const byPlace = (a: Problem, b: Problem): number => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

function readYaml({ values, problems: inEnv }: ReadEnv, env: Environment, readFile: ReadFile): YamlResult {
  const file = values.GATEWAY_CONFIG;
  if (file === undefined) return { ok: true, yaml: undefined };
  const read = tryReadFile(readFile, file);
  if (!read.ok) {
    const problem = { key: 'GATEWAY_CONFIG', value: showValue(file), expected: 'a readable file', hint: read.why };
    return { ok: false, problems: [problem] };
  }
  const source = parseYaml(read.text, file);
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const hasDefaultUpstream = envText(env, 'UPSTREAM_URL') !== undefined;
  const isUnsure = inEnv.some(({ key }) => key === 'TLS_CLIENT_AUTH' || key === 'CLIENT_CERT_HEADER');
  const takesCertificates = isUnsure || values.TLS_CLIENT_AUTH === 'optional' || values.CLIENT_CERT_HEADER;
  const problems = checkYaml(source.value, { file, readFile, hasDefaultUpstream, takesCertificates });
  if (problems.length > 0) {
    return { ok: false, problems: problems.map((problem) => placed(problem, source)).sort(byPlace) };
  }
  return { ok: true, yaml: { data: source.value as GatewayYaml, file } };
}

/**
 * Reads and checks the whole configuration: the environment and the YAML that GATEWAY_CONFIG names. Reports every
 * problem at once; never throws. The configuration is frozen through and through.
 * @param readFile reads a file as UTF-8 and throws when it cannot
 * @param machine by default this one
 */
export function readConfig(env: Environment, readFile: ReadFile, machine = thisMachine()): ConfigResult {
  const read = readEnv({ env, readFile });
  const { values, given } = read;
  const inEnv = [...read.problems, ...checkEnv(read, readFile)];
  const yaml = readYaml(read, env, readFile);
  const warnings = [...misspeltVariables(env)];
  if (inEnv.length > 0 || !yaml.ok) {
    return { ok: false, problems: [...inEnv, ...(yaml.ok ? [] : yaml.problems)], warnings };
  }
  const stateDir = values.STATE_DIR ?? defaultStateDir(env, machine.user);
  const secretFiles = secretFilesOf(env, values.TLS_KEY_FILE ?? []).map(({ path }) => resolve(path));
  const config = deepFreeze(
    resolveConfig({ env: values, given, yaml: yaml.yaml, machine, stateDir, secretFiles, readFile }),
  );
  warnings.push(...warningsOf(config, { given, yaml: yaml.yaml?.data }));
  warnings.push(...weakSettings(config, { env, modeOf: machine.modeOf }));
  warnings.push(...expiredCertificates(config.server.tls, readFile));
  warnings.push(...expiredAuthorities(config.server.tls, readFile));
  return { ok: true, config, supervise: values.GATEWAY_SUPERVISE, warnings };
}
