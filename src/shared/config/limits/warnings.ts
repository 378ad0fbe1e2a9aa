import type { ClientKeySource } from '../../limits/client-key.ts';
import type { Problem } from '../problems.ts';
import type { Config } from '../types.ts';

const fieldOf = (source: ClientKeySource): string =>
  source.kind === 'header' ? source.name : `Authorization (${source.kind})`;

/** Clients are named by what each of them may make up, and nobody in front is known to look at it. */
export function riskyClientKey({ limits, routes, server }: Config): readonly Problem[] {
  if (!routes.some((route) => route.limits !== undefined)) return [];
  const problems: Problem[] = [];
  const madeUp = limits.key.filter(({ kind }) => kind !== 'ip' && kind !== 'consumer');
  if (madeUp.length > 0 && server.trustedProxies.length === 0) {
    const reason = `nobody verifies ${madeUp.map(fieldOf).join(', ')}: who sends another value each time is never refused`;
    problems.push({
      key: 'RATE_LIMIT_KEY',
      value: undefined,
      expected: 'ip, or TRUSTED_PROXIES that verify it',
      reason,
    });
  }
  if (madeUp.some((source) => source.kind === 'header' && source.name === 'authorization')) {
    const reason = 'the same credentials can be written in many ways, each a client of its own';
    problems.push({ key: 'RATE_LIMIT_KEY', value: undefined, expected: 'bearer or basic', reason });
  }
  return problems;
}

/** Profiles limit consumers, and clients are named by something else. */
export function idleProfiles({ identities, limits, routes }: Config): readonly Problem[] {
  const { consumers, issuers } = identities;
  const isUsed = [...consumers, ...issuers].some(({ profile }) => profile !== '');
  if (!isUsed || limits.key[0]?.kind === 'consumer' || !routes.some((route) => route.authentication !== undefined)) {
    return [];
  }
  const reason = 'no profile limits anybody, as clients are not named by their consumers';
  return [{ key: 'RATE_LIMIT_KEY', value: undefined, expected: 'consumer at its start, or the default', reason }];
}
