import { checkCaFile } from '../tls/certificates.ts';
import type { EnvName, EnvValues } from '../env-table.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { RedisUrl } from './url.ts';
import type { ReadFile } from '../text-file.ts';

function checkShape(url: RedisUrl, mode: EnvValues['REDIS_MODE']): readonly string[] {
  if (mode === 'standalone' && url.nodes.length > 1) return ['one URL, because REDIS_MODE is standalone'];
  if (mode === 'cluster' && (url.database ?? 0) !== 0) return ['a URL without database: a cluster has only 0'];
  return [];
}

/** User name and password each from one place, and no user name alone: the client would then not log in at all. */
function checkLogin(url: RedisUrl, values: EnvValues): readonly Problem[] {
  const problems: Problem[] = [];
  const { REDIS_USERNAME: username, REDIS_PASSWORD: password } = values;
  if (username !== undefined && url.username !== undefined) {
    const reason = 'REDIS_URL has a user name too';
    problems.push({ key: 'REDIS_USERNAME', value: undefined, expected: 'only one of the two', reason });
  }
  if (password !== undefined && url.password !== undefined) {
    const reason = 'REDIS_URL has a password too';
    problems.push({ key: 'REDIS_PASSWORD', value: undefined, expected: 'only one of the two', reason });
  }
  const named = username ?? url.username;
  if (named !== undefined && (password ?? url.password) === undefined) {
    problems.push({ key: 'REDIS_PASSWORD', value: undefined, expected: 'it, because there is a user name' });
  }
  return problems;
}

function checkSentinels(values: EnvValues, sound: (name: EnvName) => boolean): readonly Problem[] {
  const { REDIS_SENTINEL_MASTER: primary, REDIS_SENTINEL_USERNAME: username } = values;
  const hasPassword = values.REDIS_SENTINEL_PASSWORD !== undefined;
  const problems: Problem[] = [];
  if (values.REDIS_MODE !== 'sentinel') {
    const expected = 'it only with REDIS_MODE=sentinel';
    const blame = (key: EnvName, value: string | undefined): number => problems.push({ key, value, expected });
    if (primary !== undefined) blame('REDIS_SENTINEL_MASTER', showValue(primary));
    if (username !== undefined) blame('REDIS_SENTINEL_USERNAME', showValue(username));
    if (hasPassword) blame('REDIS_SENTINEL_PASSWORD', '***');
  } else if (username !== undefined && !hasPassword && sound('REDIS_SENTINEL_PASSWORD')) {
    const expected = 'it, because there is REDIS_SENTINEL_USERNAME';
    problems.push({ key: 'REDIS_SENTINEL_PASSWORD', value: undefined, expected });
  }
  return problems;
}

/**
 * What several variables say of Redis together.
 * @param sound whether variables had no problem of their own
 */
export function checkRedis(
  values: EnvValues,
  sound: (...names: readonly EnvName[]) => boolean,
  readFile: ReadFile,
): readonly Problem[] {
  const { REDIS_URL: url, REDIS_MODE: mode, REDIS_TLS_CA_FILE: caFile } = values;
  const problems: Problem[] = [];
  const blameUrl = (expected: string): number => problems.push({ key: 'REDIS_URL', value: '***', expected });
  if (url !== undefined) {
    if (sound('REDIS_MODE')) for (const expected of checkShape(url, mode)) blameUrl(expected);
    if (caFile !== undefined && !url.tls) blameUrl('a rediss:// URL, because REDIS_TLS_CA_FILE is set');
    if (sound('REDIS_USERNAME', 'REDIS_PASSWORD')) problems.push(...checkLogin(url, values));
  }
  if (sound('REDIS_MODE')) problems.push(...checkSentinels(values, sound));
  const bad = caFile === undefined ? undefined : checkCaFile(readFile, caFile);
  if (bad !== undefined) problems.push({ key: 'REDIS_TLS_CA_FILE', value: showValue(caFile), ...bad });
  return problems;
}
