import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TlsFiles } from '../shared/config/types.ts';
import { processEnv } from '../shared/config/environment.ts';
import type { Problem } from '../shared/config/problems.ts';
import { readConfig } from '../shared/config/read-config.ts';
import type { LoadedConfig } from './reload-plan.ts';

export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedConfig; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const readText = (path: string): string => readFileSync(path, 'utf8');

function digest(files: TlsFiles): string {
  const hash = createHash('sha256');
  // readConfig has just read both; a file that is gone by now throws, and the caller keeps what it has.
  for (const file of [files.certFile, files.keyFile]) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Reads and checks the environment and every file it names. @throws only when a file vanishes while it is read */
export function loadConfig(): LoadResult {
  const read = readConfig(processEnv(), readText);
  if (!read.ok) return read;
  const { tls } = read.config.server;
  const certificate = tls === undefined ? undefined : digest(tls);
  return { ok: true, loaded: { config: read.config, certificate }, warnings: read.warnings };
}
