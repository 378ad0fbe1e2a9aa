import { fc, test } from '@fast-check/vitest';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import {
  BREAKER_KEY,
  EVENTS_CHANNEL,
  nodeKey,
  NODES_KEY,
  OVERRIDES_KEY,
  refusedKey,
} from '../../src/shared/redis/keys.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import type { Reply } from '../support/requests.ts';
import { eventually, until } from '../support/wait.ts';
import { bucketKey, PATIENT, startLimited, untilHealth } from '../limits-gateway/setup.ts';

const NODE = 'fuzzed';
/** Its bucket alone is left as it is, so that what it is granted can be counted. */
const WATCHED = 'watched';
const FUZZED = ['a', 'b', 'c'];
const CAPACITY = 40;
const PER_SECOND = 20;

const KEYS = [
  NODES_KEY,
  nodeKey(NODE),
  nodeKey('ghost'),
  refusedKey(NODE),
  refusedKey('ghost'),
  BREAKER_KEY,
  OVERRIDES_KEY,
  ...FUZZED.map((client) => bucketKey(client)),
];
/** Of breakers. Words that an operator may say are among none of their values. */
const FIELDS =
  ' :written :failures :opened_at :open_until :epoch :reason :node :trips :successes :leases :failed_nodes :votes :isolated :forced_at :forced_until'
    .split(' ')
    .map((suffix) => `default${suffix}`);

/** Of buckets. */
const LEVELS = ['tokens', 'updated_ms', 'capacity', 'rate', 'ceiling', 'spilled', 'spilled_ms'];

/** What a number in Redis may be in place of one. */
const ODD = ['', 'nan', '-nan', 'inf', '-inf', '-1', '0', '1e308', '-1e308', '9'.repeat(40), '0x10'];

const text = fc.oneof(
  fc.constantFrom(...ODD, 'null', '[]', '{"a":'),
  fc.constantFrom('OPEN', 'half_open', 'x'.repeat(20_000), '\0\u{fffd}', 'a=1,b=2', 'a=99999999999999999999'),
  fc.integer({ min: 0, max: 2 ** 50 }).map(String),
  fc.constant(0).map(() => String(Date.now() + 10_000_000_000)),
  // Levels and times that may be true of a bucket, or nearly.
  fc.oneof(fc.integer({ min: -CAPACITY - 2, max: CAPACITY + 2 }), fc.double({ min: -50, max: 50 })).map(String),
  fc.integer({ min: -10_000, max: 10_000 }).map((ms) => String(Date.now() + ms)),
  fc.string({ maxLength: 40 }),
  fc.json(),
);
const anyField = fc.string({ minLength: 1, maxLength: 20 });
/** Each hash with fields that mean something in it. */
const pair = fc.oneof(
  fc.tuple(fc.constant(BREAKER_KEY), fc.oneof(fc.constantFrom(...FIELDS), anyField)),
  fc.tuple(
    fc.constantFrom(...FUZZED.map((client) => bucketKey(client))),
    fc.oneof(fc.constantFrom(...LEVELS), anyField),
  ),
  fc.tuple(fc.constant(OVERRIDES_KEY), fc.oneof(fc.constantFrom('#version', 'somebody', ...FUZZED), anyField)),
);
const score = fc.oneof(fc.constantFrom('+inf', '-inf', '0', '1e300'), fc.integer({ min: 0 }).map(String));
const key = fc.constantFrom(...KEYS);

/** Commands as anybody who reaches this Redis may send them. */
const command = fc.oneof(
  fc.tuple(fc.constant('SET'), key, text),
  fc.tuple(fc.constant('HSET'), pair, text).map(([name, where, value]) => [name, ...where, value]),
  fc.tuple(fc.constant('HSET'), pair, text).map(([name, where, value]) => [name, ...where, value]),
  fc.tuple(fc.constant('ZADD'), key, score, fc.string({ minLength: 1, maxLength: 20 })),
  fc.tuple(fc.constant('LPUSH'), key, text),
  fc.tuple(fc.constant('SADD'), key, text),
  fc.tuple(fc.constant('DEL'), key),
  fc.tuple(fc.constant('PEXPIRE'), key, fc.constantFrom('1', '999999999999')),
);

const number = fc.oneof(fc.constantFrom(0, -1, 1e308, 2 ** 53, 0.5), fc.integer());
const kind = fc.constantFrom('CLOSED', 'OPEN', 'HALF_OPEN', 'AJAR');
const event = fc.oneof(
  fc.record({
    type: fc.constantFrom('circuit-breaker', 'circuit-breaker-failures'),
    upstream: fc.constantFrom('default', '__proto__', 'nobody'),
    from: kind,
    to: kind,
    epoch: number,
    reason: text,
    node: text,
    time: number,
    failures: number,
    open_for_ms: number,
    forced_for_ms: number,
  }),
  fc.record({
    type: fc.constant('limit-client'),
    client: fc.constantFrom(WATCHED, ...FUZZED, 'x'),
    reset: fc.boolean(),
  }),
  fc.constant({ type: 'limit-overrides' }),
);
const message = fc.oneof(
  event.map((each) => JSON.stringify(each)),
  text,
  fc.jsonValue().map((each) => JSON.stringify(each)),
);

/** What is wrong with the type that stands there is the answer: nothing to this test. */
const send = (redis: Redis, args: readonly string[]): Promise<unknown> =>
  redis.call(args[0] ?? '', ...args.slice(1)).catch(() => undefined);

/** Whole buckets that are sound but for one field, by client: each odd value stands once in each field. */
function oddBuckets(): [string, Record<string, string>][] {
  const now = Date.now();
  const odd = [...ODD, String(now + 10_000_000_000)];
  return LEVELS.flatMap((field) =>
    odd.map((value, i): [string, Record<string, string>] => {
      // Another capacity than the one in force, or nobody looks at the ceiling.
      const sound = { tokens: '10', updated_ms: String(now), capacity: String(CAPACITY - 1), rate: String(PER_SECOND) };
      return [`odd-${field}-${i}`, { ...sound, [field]: value }];
    }),
  );
}

/** What is wrong with a bucket that has been taken from; debts are written as no tokens at a time to come. */
function wrongIn(bucket: Record<string, string>): string | undefined {
  const [tokens, atMs] = [bucket['tokens'], bucket['updated_ms']].map(Number);
  const latestMs = Date.now() + (CAPACITY / PER_SECOND) * 1_000 + 1_000;
  const isSound = isWithin(tokens, 0, CAPACITY) && isWithin(atMs, latestMs - 600_000, latestMs);
  return isSound && bucket['capacity'] === String(CAPACITY) ? undefined : JSON.stringify(bucket).slice(0, 300);
}

/** Of a bucket whose limits were others; else nobody looks at it. */
const wrongCeiling = (client: string, { ceiling = String(CAPACITY) }: Record<string, string>): string | undefined =>
  !client.startsWith('odd') || isWithin(Number(ceiling), CAPACITY, 1e9) ? undefined : `ceiling ${ceiling}`;

const isWithin = (value = Number.NaN, lowest: number, highest: number): boolean => value >= lowest && value <= highest;

/** States that would hold for ever if times and numbers were believed, whoever wrote them. */
function oddBreakers(): Record<string, string>[] {
  const far = String(Date.now() + 10_000_000_000);
  const held = { 'default:leases': `one=${far},two=${far}` };
  const uncounted = { 'default:successes': 'nan' }; // and so never enough of them
  return [{ kind: 'OPEN', odd: held }, ...[held, uncounted].map((odd) => ({ kind: 'HALF_OPEN', odd }))].map(
    ({ kind, odd }) => ({
      default: kind,
      'default:written': kind,
      'default:epoch': String(Date.now()),
      'default:trips': '1',
      'default:opened_at': String(Date.now()),
      'default:open_until': far,
      ...odd,
    }),
  );
}

const isOurFault = ({ status, headers }: Reply): boolean =>
  status >= 500 && !(status === 503 && headers['x-circuit-breaker'] !== undefined);

test.prop([fc.array(fc.oneof(command, message), { minLength: 600, maxLength: 600 })], {
  numRuns: 2,
  endOnFailure: true,
})(
  'whatever stands in Redis and comes through its channel: no thread dies, nobody is granted more, all heals',
  async (attacks) => {
    await using redis = await startRedis();
    await using limited = await startLimited({
      redis,
      env: {
        NODE_NAME: NODE,
        WORKERS: '2',
        RATE_LIMIT_KEY: 'header-plain:client',
        RATE_LIMIT_CAPACITY: String(CAPACITY),
        RATE_LIMIT_REFILL_RATE: String(PER_SECOND),
        CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '1',
        CIRCUIT_BREAKER_OPEN_CAP_SECONDS: '1',
        ...PATIENT,
      },
    });
    const { gateway, port } = limited;
    await untilHealth(port, 'ok');
    const replies: Reply[] = [];
    let granted = 0;
    let over = false;
    const startedMs = performance.now();
    const load = [WATCHED, ...FUZZED].map(async (client) => {
      while (!over) {
        const reply = await get(port, { path: '/proxy/ok', headers: { client } });
        replies.push(reply);
        if (client === WATCHED && reply.status !== 429 && reply.status < 500) granted++;
      }
    });
    for (const [i, attack] of attacks.entries()) {
      // Between them others are served, so that what is written is also read.
      const served = replies.length;
      if (i % 10 === 0) await eventually(() => replies.length > served + FUZZED.length, 'it goes on serving');
      if (typeof attack === 'string') await redis.client.publish(EVENTS_CHANNEL, attack);
      else await send(redis.client, attack);
    }
    const before = replies.length;
    await eventually(() => replies.length > before + 40, 'it goes on serving');
    over = true;
    await Promise.all(load);
    const seconds = (performance.now() - startedMs) / 1000;
    expect(granted).toBeLessThanOrEqual(CAPACITY + PER_SECOND * seconds + 1);
    const shown = replies.map(({ headers }) => headers['x-ratelimit-remaining']).filter((each) => each !== undefined);
    expect(shown.filter((each) => !/^\d+$/.test(String(each)) || Number(each) > CAPACITY)).toEqual([]);
    expect(replies.filter(isOurFault).map(({ status, body }) => `${status} ${body}`)).toEqual([]);

    // Nobody attacks any more: it heals by itself, with nothing but traffic.
    await eventually(async () => {
      const reply = await get(port, { path: '/proxy/ok', headers: { client: 'fresh' } });
      return reply.status === 200 && reply.headers['x-ratelimit-limit'] === String(CAPACITY);
    }, 'a new client is served and counted');
    await untilHealth(port, 'ok');
    const odd = oddBuckets();
    for (const [client, fields] of odd) await redis.client.hset(bucketKey(client), fields);
    for (const client of [...FUZZED, ...odd.map(([name]) => name)]) {
      let wrong: string | undefined;
      await until(
        async () => {
          const { status, headers } = await get(port, { path: '/proxy/ok', headers: { client } });
          const bucket = await redis.client.hgetall(bucketKey(client));
          wrong =
            status === 200
              ? (wrongIn(bucket) ?? wrongCeiling(client, bucket))
              : `${status} ${JSON.stringify(bucket).slice(0, 300)}`;
          return wrong === undefined && isWithin(Number(headers['x-ratelimit-remaining']), 0, CAPACITY);
        },
        // What is sound at once, and not only once the bucket has come to the end of its life.
        { describe: () => `${client}: ${wrong}`, withinMs: client.startsWith('odd') ? 2_000 : 10_000 },
      );
    }
    for (const fields of oddBreakers()) {
      await redis.client.multi().del(BREAKER_KEY).hset(BREAKER_KEY, fields).exec(); // it may be of another type still
      const name = fields['default'] ?? '';
      await eventually(async () => {
        const reply = await get(port, { path: '/proxy/fail', headers: { client: 'fails' } }); // or nobody looks at it
        return reply.headers['x-circuit-breaker'] !== undefined;
      }, `the breaker is ${name}, as somebody wrote`);
      await eventually(async () => {
        await get(port, { path: '/proxy/ok', headers: { client: 'passes' } });
        return (await redis.client.hget(BREAKER_KEY, 'default')) === 'CLOSED';
      }, `a breaker that somebody has made ${name} for ever closes`);
    }
    await eventually(async () => {
      const answer = await fetch(`${gateway.adminUrl}/admin/status`);
      const { verdict, liveNodes, threadRestarts } = (await answer.json()) as Record<string, unknown>;
      return verdict === 'ok' && liveNodes === 1 && threadRestarts === 0;
    }, 'the status is ok, with one node and its first threads');
    for (const path of ['/admin/nodes', '/admin/breakers', '/admin/limits/top', '/metrics']) {
      expect([path, (await fetch(gateway.adminUrl + path)).status]).toEqual([path, 200]);
    }
    await eventually(async () => {
      const types = await Promise.all([NODES_KEY, nodeKey(NODE)].map((each) => redis.client.type(each)));
      return types.join() === 'zset,string';
    }, 'its own keys are as they should be');
    expect(gateway.log.filter(({ level }) => level === 'fatal')).toEqual([]);
    expect(gateway.stderr()).toBe('');
  },
  120_000,
);
