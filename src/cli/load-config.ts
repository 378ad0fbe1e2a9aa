import { formatProblems } from '../shared/config/problems.ts';
import type { Problem } from '../shared/config/problems.ts';
import { readConfig } from '../shared/config/read-config.ts';
import type { ConfigResult } from '../shared/config/read-config.ts';
import type { CliIo } from './io.ts';

export type LoadedConfig = Extract<ConfigResult, { ok: true }>;

/**
 * Reads the configuration and says on stderr what is wrong with it.
 * @returns `undefined` when it is not valid: the caller ends with EXIT.configuration
 */
export function loadConfig(io: CliIo): LoadedConfig | undefined {
  const result = readConfig(io.env, io.readFile);
  if (result.ok) return result;
  showWarnings(io, result.warnings); // a misspelt name may be why something else is missing
  io.err(`The configuration is not valid:\n${formatProblems(result.problems)}`);
  return undefined;
}

/** What works but is hardly meant, one line each on stderr. */
export function showWarnings(io: CliIo, warnings: readonly Problem[]): void {
  for (const warning of warnings) io.err(`warning: ${formatProblems([warning])}`);
}
