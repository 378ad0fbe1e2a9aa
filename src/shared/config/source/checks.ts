import type { EnvName, EnvValues } from '../env-table.ts';
import type { Problem } from '../problems.ts';

/** @param sound whether variables had no problem of their own */
export function checkSource(values: EnvValues, sound: (...names: readonly EnvName[]) => boolean): readonly Problem[] {
  const { CONFIG_STORE: store, CONFIG_SIGNING_KEY: keys, REDIS_URL: url } = values;
  if (store !== 'redis') return [];
  const problems: Problem[] = [];
  const lacks = (key: EnvName): number =>
    problems.push({ key, value: undefined, expected: 'it to be set, because CONFIG_STORE is redis' });
  if (url === undefined && sound('REDIS_URL')) lacks('REDIS_URL');
  // Whoever can write to Redis would have the gateway.
  if (keys === undefined && sound('CONFIG_SIGNING_KEY')) lacks('CONFIG_SIGNING_KEY');
  return problems;
}
