import { readFileSync } from 'node:fs';
import { processEnv } from '../../shared/config/environment.ts';
import type { Problem } from '../../shared/config/problems.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import type { ReadFile } from '../../shared/config/text-file.ts';
import type { Config } from '../../shared/config/types.ts';
import { canReusePort, handlesFor } from '../front/ways.ts';
import type { LoadedConfig } from './reload-plan.ts';
import { readTlsFiles } from './tls-files.ts';

export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedConfig; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads each file once, so that what was checked is what is used, also while somebody writes it. */
function readOnce(): ReadFile {
  const texts = new Map<string, string>();
  return (path) => {
    const text = texts.get(path) ?? readFileSync(path, 'utf8');
    texts.set(path, text);
    return text;
  };
}

/** Without Node's own handles, and where threads cannot share a port, there is one. */
function withThreadsOf(config: Config): Config {
  const { front, workers } = config.server;
  const all = workers <= 1 || front === 'uws' || handlesFor(config) !== undefined || canReusePort();
  return all ? config : Object.freeze({ ...config, server: Object.freeze({ ...config.server, workers: 1 }) });
}

/** Reads and checks the environment and every file it names. */
export function loadConfig(): LoadResult {
  const readFile = readOnce();
  const read = readConfig(processEnv(), readFile);
  if (!read.ok) return read;
  const config = withThreadsOf(read.config);
  const { tls } = config.server;
  const files = tls === undefined ? undefined : readTlsFiles(tls, readFile);
  return { ok: true, loaded: { config, tls: files }, warnings: read.warnings };
}
