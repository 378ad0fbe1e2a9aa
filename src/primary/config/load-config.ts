import { processEnv } from '../../shared/config/environment.ts';
import type { Problem } from '../../shared/config/problems.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import { thisMachine } from '../../shared/config/server/machine.ts';
import type { Config } from '../../shared/config/types.ts';
import { canReusePort, handlesFor } from '../front/ways.ts';
import type { Environment } from '../../shared/config/read-config.ts';
import type { FileRecorder } from './files-read.ts';
import type { LoadedConfig } from './reload-plan.ts';
import { readTlsFiles } from './tls-files.ts';

export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedConfig; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Without Node's own handles, and where threads cannot share a port, there is one. */
function withThreadsOf(config: Config): Config {
  const { front, workers } = config.server;
  const all = workers <= 1 || front === 'uws' || handlesFor(config) !== undefined || canReusePort();
  return all ? config : Object.freeze({ ...config, server: Object.freeze({ ...config.server, workers: 1 }) });
}

/** Reads and checks the environment and every file it names. @param given in place of what the environment says */
export function loadConfig({ readFile, entriesOf, factsOf }: FileRecorder, given: Environment = {}): LoadResult {
  const read = readConfig({ ...processEnv(), ...given }, readFile, { ...thisMachine(), entriesOf, factsOf });
  if (!read.ok) return read;
  const config = withThreadsOf(read.config);
  const { tls } = config.server;
  const files = tls === undefined ? undefined : readTlsFiles(tls, readFile);
  return { ok: true, loaded: { config, tls: files }, warnings: read.warnings };
}
