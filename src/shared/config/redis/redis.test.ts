import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';
import type { RedisConfig } from '../types.ts';

type Env = Record<string, string | undefined>;

const redisOf = (env: Env): RedisConfig | undefined => configOf(env).redis;

const LOCAL: RedisConfig = {
  url: 'redis://localhost:6379',
  mode: 'standalone',
  nodes: [{ host: 'localhost', port: 6379 }],
  tls: false,
  database: 0,
  username: undefined,
  password: undefined,
  tlsCaFile: undefined,
  tlsCa: undefined,
  sentinelMaster: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
};

test('without REDIS_URL there is no Redis', () => {
  expect(redisOf({ REDIS_MODE: 'standalone' })).toBeUndefined();
});

test.each<[Env, Partial<RedisConfig>]>([
  [{ REDIS_URL: 'redis://localhost' }, {}],
  [{ REDIS_URL: 'REDIS://LOCALHOST:6379/0' }, {}],
  [
    { REDIS_URL: 'rediss://app:p%40ss%2Fw@10.0.0.1:6380/3' },
    {
      url: 'rediss://10.0.0.1:6380/3',
      nodes: [{ host: '10.0.0.1', port: 6380 }],
      tls: true,
      database: 3,
      username: 'app',
      password: 'p@ss/w',
    },
  ],
  [
    { REDIS_URL: 'redis://redis.default.svc.cluster.local.' },
    {
      url: 'redis://redis.default.svc.cluster.local.:6379',
      nodes: [{ host: 'redis.default.svc.cluster.local.', port: 6379 }],
    },
  ],
  [{ REDIS_URL: 'redis://:pw@localhost' }, { password: 'pw' }],
  [
    { REDIS_URL: 'redis://app@localhost', REDIS_PASSWORD: 'p w' },
    { username: 'app', password: 'p w' },
  ],
  [
    { REDIS_URL: 'redis://localhost', REDIS_USERNAME: 'a', REDIS_PASSWORD: 'b' },
    { username: 'a', password: 'b' },
  ],
  [{ REDIS_URL: 'redis://[::1]:7000' }, { url: 'redis://[::1]:7000', nodes: [{ host: '::1', port: 7000 }] }],
  [
    { REDIS_URL: 'redis://:pw@a:1, b, redis://c:3', REDIS_MODE: 'cluster' },
    {
      url: 'redis://a:1,redis://b:6379,redis://c:3',
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
        { host: 'c', port: 3 },
      ],
      password: 'pw',
    },
  ],
  [
    { REDIS_URL: 'redis://s1/2,s2', REDIS_MODE: 'sentinel' },
    {
      url: 'redis://s1:26379/2,redis://s2:26379/2',
      mode: 'sentinel',
      nodes: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 26_379 },
      ],
      database: 2,
      sentinelMaster: 'mymaster',
    },
  ],
  [
    { REDIS_URL: 'redis://s', REDIS_MODE: 'sentinel', REDIS_SENTINEL_MASTER: 'main' },
    { url: 'redis://s:26379', mode: 'sentinel', nodes: [{ host: 's', port: 26_379 }], sentinelMaster: 'main' },
  ],
  [
    {
      REDIS_URL: 'redis://s',
      REDIS_MODE: 'sentinel',
      REDIS_SENTINEL_USERNAME: 'u',
      REDIS_SENTINEL_PASSWORD: 'p w',
    },
    {
      url: 'redis://s:26379',
      mode: 'sentinel',
      nodes: [{ host: 's', port: 26_379 }],
      sentinelMaster: 'mymaster',
      sentinelUsername: 'u',
      sentinelPassword: 'p w',
    },
  ],
])('%j', (env, expected) => {
  expect(redisOf(env)).toEqual({ ...LOCAL, ...expected });
});

const PHRASE =
  'REDIS_URL: got ***, expected a URL such as redis://user:password@127.0.0.1:6379/0 (rediss:// for TLS) with odd characters percent-encoded';

test.each([
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis://:p@ss@a',
  'redis://:p/w@a',
  'redis://:%zz@a',
  'redis://a?db=1',
  'redis://a/x',
  'redis://1.2.3',
  'redis://::1',
  'redis://a,',
])('REDIS_URL %s is refused without showing it', (REDIS_URL) => {
  expect(problemsOf({ REDIS_URL, REDIS_MODE: 'cluster' })).toEqual([PHRASE]);
});

describe('problems of several variables', () => {
  test.each<[Env, readonly string[]]>([
    [{ REDIS_URL: 'redis://a:0' }, ['REDIS_URL: got ***, expected a port from 1 to 65535']],
    [
      { REDIS_URL: 'redis://a,redis://a', REDIS_MODE: 'cluster' },
      ['REDIS_URL: got ***, expected every node only once'],
    ],
    [
      { REDIS_URL: 'redis://:x@a,rediss://:y@b', REDIS_MODE: 'cluster' },
      ['REDIS_URL: got ***, expected nodes with the same scheme, user name, password and database'],
    ],
    [{ REDIS_URL: 'redis://a,b' }, ['REDIS_URL: got ***, expected one URL, because REDIS_MODE is standalone']],
    [
      { REDIS_URL: 'redis://a/1', REDIS_MODE: 'cluster' },
      ['REDIS_URL: got ***, expected a URL without database: a cluster has only 0'],
    ],
    [
      { REDIS_URL: 'redis://u:hunter2@a', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'hunter2' },
      [
        'REDIS_USERNAME: REDIS_URL has a user name too, expected only one of the two',
        'REDIS_PASSWORD: REDIS_URL has a password too, expected only one of the two',
      ],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_USERNAME: 'u' },
      ['REDIS_PASSWORD: missing, expected it, because there is a user name'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_MODE: 'sentinal' },
      ['REDIS_MODE: got "sentinal", expected one of standalone, sentinel, cluster; did you mean "sentinel"?'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_SENTINEL_MASTER: 'm' },
      ['REDIS_SENTINEL_MASTER: got "m", expected it only with REDIS_MODE=sentinel'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_SENTINEL_USERNAME: 'u' },
      ['REDIS_SENTINEL_USERNAME: got "u", expected it only with REDIS_MODE=sentinel'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_MODE: 'sentinel', REDIS_SENTINEL_USERNAME: 'u' },
      ['REDIS_SENTINEL_PASSWORD: missing, expected it, because there is REDIS_SENTINEL_USERNAME'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_SENTINEL_PASSWORD: 'hunter2' },
      ['REDIS_SENTINEL_PASSWORD: got ***, expected it only with REDIS_MODE=sentinel'],
    ],
    [
      { REDIS_URL: 'redis://a', REDIS_TLS_CA_FILE: 'no.pem' },
      [
        'REDIS_URL: got ***, expected a rediss:// URL, because REDIS_TLS_CA_FILE is set',
        'REDIS_TLS_CA_FILE: got "no.pem", expected a readable file; there is no such file',
      ],
    ],
  ])('%j', (env, lines) => {
    expect(problemsOf(env)).toEqual(lines);
  });
});

prop.prop([fc.string({ minLength: 1 }), fc.string({ minLength: 1 })])(
  'any user name and password go through a URL unchanged, and never into the one that is kept',
  (username, password) => {
    const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
    const { redis } = configOf({ REDIS_URL: `redis://${login}@h` });
    expect(redis).toEqual({ ...LOCAL, url: 'redis://h:6379', nodes: [{ host: 'h', port: 6379 }], username, password });
  },
);
