import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processEnv } from '../../../shared/config/environment.ts';
import { readEnv } from '../../../shared/config/read-env.ts';
import { defaultStateDir, thisUser } from '../../../shared/config/server/state-dir.ts';
import { resolveSource } from '../../../shared/config/source/resolve.ts';
import { readVersion } from './config-version.ts';
import type { ConfigVersion, Refusal } from './config-version.ts';
import { VersionFile } from './version-file.ts';

/** What a node had kept of the versions, as it is found before anything else is known. */
export interface OpenedVersions {
  /** `undefined`: there is no place for it, or the configuration comes from files. */
  readonly file: VersionFile | undefined;
  readonly kept: readonly ConfigVersion[];
  /** Of texts in it. */
  readonly refused: readonly Refusal[];
  /** Why the file cannot be read; `undefined` where it can. */
  readonly error: unknown;
}

const NOTHING: OpenedVersions = { file: undefined, kept: [], refused: [], error: undefined };

/**
 * Reads the copies in STATE_DIR: what the configuration is to be made of is in them. By the port, as two gateways of one
 * user may share a folder; where the port is any free one no later start would look for it.
 */
export function openVersions(): OpenedVersions {
  const env = processEnv();
  const { values } = readEnv({ env, readFile: (path) => readFileSync(path, 'utf8') }); // its problems are told by the load
  const { store, signingKeys } = resolveSource(values);
  const stateDir = values.STATE_DIR ?? defaultStateDir(env, thisUser());
  if (store === 'files' || stateDir === undefined || values.PORT === 0) return NOTHING;
  const file = new VersionFile(join(stateDir, `config-versions-${values.PORT}`));
  try {
    const read = file.read().map((text) => readVersion(text, 'version', signingKeys));
    return {
      file,
      kept: read.flatMap((each) => (each.ok ? [each.version] : [])),
      refused: read.flatMap((each) => (each.ok ? [] : [each.refusal])),
      error: undefined,
    };
  } catch (error) {
    return { ...NOTHING, file, error };
  }
}
