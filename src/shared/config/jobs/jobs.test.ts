import { describe, expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';

const PHRASE = 'JOBS_REDIS_URL: got ***, expected ';

describe('jobs', () => {
  test('are on, and shared out through REDIS_URL', () => {
    const { jobs, redis } = configOf({ REDIS_URL: 'redis://me:secret@r' });
    expect(jobs).toEqual({ mode: 'on', redis });
    expect(configOf({ JOBS: 'only' }).jobs).toEqual({ mode: 'only', redis: undefined });
  });

  test('can have a Redis of their own, beside any or none', () => {
    const own = configOf({ JOBS_REDIS_URL: 'redis://:j@jobs/3' });
    expect(own.redis).toBeUndefined();
    expect(own.jobs.redis).toMatchObject({ url: 'redis://jobs:6379/3', mode: 'standalone', password: 'j' });
    const beside = configOf({
      REDIS_URL: 'redis://c1,c2',
      REDIS_MODE: 'cluster',
      REDIS_PASSWORD: 'of-the-cluster',
      JOBS_REDIS_URL: 'redis://jobs/1',
    });
    expect(beside.jobs.redis).toMatchObject({ mode: 'standalone', database: 1, password: undefined });
  });

  test('several addresses are what REDIS_MODE says', () => {
    const { jobs } = configOf({
      REDIS_MODE: 'sentinel',
      REDIS_URL: 'redis://s1',
      REDIS_SENTINEL_MASTER: 'main',
      JOBS_REDIS_URL: 'redis://j1,j2',
    });
    expect(jobs.redis).toMatchObject({
      mode: 'sentinel',
      sentinelMaster: 'main',
      nodes: [
        { host: 'j1', port: 26_379 },
        { host: 'j2', port: 26_379 },
      ],
    });
  });

  test.each([
    [{ JOBS_REDIS_URL: 'redis://j1,j2' }, 'one URL, because REDIS_MODE is standalone'],
    [{ JOBS_REDIS_URL: 'redis://j1/2,j2/2', REDIS_MODE: 'cluster' }, 'a URL without database: a cluster has only 0'],
    [{ JOBS_REDIS_URL: 'redis://me@j1' }, 'a password in it, because there is a user name'],
  ])('%j is refused', (env, expected) => {
    expect(problemsOf(env)).toEqual([PHRASE + expected]);
  });

  test('a wrong word is refused', () => {
    expect(problemsOf({ JOBS: 'maybe' })).toEqual(['JOBS: got "maybe", expected one of on, off, only']);
  });
});
