import { checkEnv } from '../../shared/config/env-checks.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { resolveRedis } from '../../shared/config/redis/resolve.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/**
 * Redis as REDIS_* name it; the rest of the configuration need not be valid.
 * @returns `undefined` without REDIS_URL
 * @throws {CommandFailure} when they are wrong
 */
export function redisConfig(io: CliIo): RedisConfig | undefined {
  const read = readEnv(io);
  const problems = [...read.problems, ...checkEnv(read, io.readFile)].filter(({ key }) => key.startsWith('REDIS_'));
  if (problems.length === 0) return resolveRedis(read.values, io.readFile);
  throw new CommandFailure(EXIT.configuration, `The configuration is not valid:\n${formatProblems(problems)}`);
}
