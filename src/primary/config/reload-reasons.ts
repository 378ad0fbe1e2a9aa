import type { LastReload } from './reload.ts';

/** What is wrong since the last reload, in words. @param version that is in use */
export function reloadReasons(last: LastReload | undefined, version: number): readonly string[] {
  if (last === undefined) return [];
  const { outcome } = last;
  if (outcome.kind === 'refused') {
    return [`the last reload was refused; configuration version ${version} stays in use`];
  }
  const reasons: string[] = [];
  if (!outcome.complete) reasons.push('a request thread has not confirmed the last reload');
  if (outcome.redisRefuses !== '') {
    reasons.push(`Redis did not take the password or certificates of the last reload (${outcome.redisRefuses})`);
  }
  return reasons;
}
