import type { EnvValues } from '../env-table.ts';
import type { SourceConfig } from './types.ts';

/** Files are followed where there are files of the configuration, or it was asked for. */
export function resolveSource(env: EnvValues): SourceConfig {
  const { CONFIG_WATCH: isWatched = env.GATEWAY_CONFIG !== undefined, CONFIG_WATCH_SECONDS: seconds } = env;
  return {
    watchEveryMs: isWatched ? seconds * 1000 : undefined,
    store: env.JOBS === 'only' ? 'files' : env.CONFIG_STORE,
    signingKeys: env.CONFIG_SIGNING_KEY ?? [],
  };
}
