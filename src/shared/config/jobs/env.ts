import { secret, withDefault } from '../env-variable.ts';
import { fromText } from '../parsed.ts';
import { oneOf } from '../parsers.ts';
import { parseRedisUrl } from '../redis/url.ts';
import { JOBS_MODES } from '../words.ts';

/** Variables of work that is done once in a while, by one of the nodes. */
export const JOBS_ENV = {
  JOBS: withDefault(
    oneOf(JOBS_MODES),
    'on',
    'Scheduled jobs: on, off, or only: jobs and the admin port, no port for clients.',
  ),
  JOBS_REDIS_URL: secret(
    fromText(parseRedisUrl),
    'Redis through which the nodes share out their jobs, with its own user name and password; default REDIS_URL. One ' +
      'address is a single server, several with commas between are what REDIS_MODE says.',
  ),
} as const;
