import { checkBackups } from './backups/checks.ts';
import { isAmbiguousName } from '../http/ambiguous-name.ts';
import type { EnvName, EnvValues } from './env-table.ts';
import { checkIdentityEnv } from './identity/checks.ts';
import { checkJobs } from './jobs/checks.ts';
import type { Problem } from './problems.ts';
import { checkRedis } from './redis/checks.ts';
import type { ReadEnv } from './read-env.ts';
import type { ReadFile } from './text-file.ts';
import { checkOverload } from './overload/checks.ts';
import { checkSource } from './source/checks.ts';
import { checkTls } from './tls/checks.ts';

const EVERYWHERE: readonly string[] = ['0.0.0.0', '::'];

const meet = (hostA: string, hostB: string): boolean =>
  hostA === hostB || EVERYWHERE.includes(hostA) || EVERYWHERE.includes(hostB);

/** Whether variables had no problem of their own; with one, their value is only a stand-in. */
type Sound = (...names: readonly EnvName[]) => boolean;

function checkPorts(values: EnvValues, sound: Sound): readonly Problem[] {
  const { PORT, HOST, ADMIN_PORT, ADMIN_HOST, DEMO_UPSTREAM_PORT } = values;
  const problems: Problem[] = [];
  const own = sound('PORT', 'HOST', 'ADMIN_PORT', 'ADMIN_HOST');
  if (own && PORT !== 0 && PORT === ADMIN_PORT && meet(HOST, ADMIN_HOST)) {
    problems.push({ key: 'ADMIN_PORT', value: String(ADMIN_PORT), expected: 'a port other than PORT' });
  }
  const demo =
    sound('PORT', 'ADMIN_PORT', 'DEMO_UPSTREAM_PORT', 'UPSTREAM_URL', 'GATEWAY_CONFIG') &&
    values.UPSTREAM_URL === undefined &&
    values.GATEWAY_CONFIG === undefined;
  if (demo && [PORT, ADMIN_PORT].includes(DEMO_UPSTREAM_PORT)) {
    const expected = 'a port other than PORT and ADMIN_PORT';
    problems.push({ key: 'DEMO_UPSTREAM_PORT', value: String(DEMO_UPSTREAM_PORT), expected });
  }
  return problems;
}

function checkLimitWaits(values: EnvValues, sound: Sound): readonly Problem[] {
  const { RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS: waitUs, RATE_LIMIT_TIMEOUT_MILLISECONDS: timeoutMs } = values;
  if (waitUs < timeoutMs * 1000) return [];
  if (!sound('RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS', 'RATE_LIMIT_TIMEOUT_MILLISECONDS')) return [];
  const expected = `less than RATE_LIMIT_TIMEOUT_MILLISECONDS (${timeoutMs} ms)`;
  return [{ key: 'RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS', value: String(waitUs), expected }];
}

/** Two ways to say the same numbers. */
const checkLimitProfile = (values: EnvValues, given: ReadonlySet<EnvName>): readonly Problem[] =>
  (['RATE_LIMIT_CAPACITY', 'RATE_LIMIT_REFILL_RATE'] as const)
    .filter((name) => values.RATE_LIMIT_PROFILE !== undefined && given.has(name))
    .map((key) => ({
      key,
      value: String(values[key]),
      expected: 'only one of it and RATE_LIMIT_PROFILE',
      reason: 'RATE_LIMIT_PROFILE is set too',
    }));

/** Names of fields that are dropped before anybody is named by them. */
function checkClientKey(values: EnvValues, sound: Sound): readonly Problem[] {
  if (values.AMBIGUOUS_FIELDS === 'pass' || !sound('RATE_LIMIT_KEY', 'AMBIGUOUS_FIELDS')) return [];
  return values.RATE_LIMIT_KEY.flatMap((source) => {
    if (source.kind !== 'header' || !isAmbiguousName(source.name)) return [];
    const expected = 'a header name of letters, digits and "-", or AMBIGUOUS_FIELDS=pass with it';
    return [{ key: 'RATE_LIMIT_KEY', value: JSON.stringify(source.name), expected }];
  });
}

/** What needs several variables, or files they name, to judge. */
export function checkEnv({ values, given, problems }: ReadEnv, readFile: ReadFile): readonly Problem[] {
  const sound: Sound = (...names) => !problems.some(({ key }) => names.some((name) => name === key));
  return [
    ...checkPorts(values, sound),
    ...checkTls(values, sound, readFile),
    ...checkLimitWaits(values, sound),
    ...checkClientKey(values, sound),
    ...checkLimitProfile(values, given),
    ...checkIdentityEnv(values, sound),
    ...checkRedis(values, sound, readFile),
    ...checkOverload(values, sound),
    ...checkSource(values, sound),
    ...checkJobs(values, sound),
    ...checkBackups(values, sound),
  ];
}
