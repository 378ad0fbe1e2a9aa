import { expect, test } from 'vitest';
import { madeKeyAnswer } from '../../src/shared/admin/keys.ts';
import { apiKeyHash } from '../../src/shared/identity/api-key.ts';
import { parseKeyRecord, rankOf } from '../../src/shared/identity/key-record.ts';
import { API_KEYS_KEY } from '../../src/shared/redis/keys.ts';
import { commandIn, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { aKey } from '../identity/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { reloadsOf } from '../support/reload.ts';
import { eventually } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const REFUSED = { code: 1008, reason: 'credentials_invalid' };
/** Nodes look for themselves every five seconds: so soon it is the event that they have heard. */
const BEFORE_THE_NEXT_LOOK_MS = 4_500;

const runOf = ({ adminPort, stateDir }: Gateway): Run =>
  commandIn({ ADMIN_PORT: String(adminPort), STATE_DIR: stateDir });
const openAs = (gateway: Gateway, key: string): Promise<Peer> =>
  open(`ws://127.0.0.1:${gateway.port}/ws`, { options: { headers: { 'x-api-key': key } } });
const answers = async (peer: Peer): Promise<void> => {
  const before = peer.seen.messages.length;
  peer.socket.send('still here');
  expect((await peer.got(before + 1)).at(-1)).toBe('still here');
};
const areGone = (peers: readonly Peer[], withinMs: number): Promise<number> =>
  eventually(() => peers.every(({ seen }) => seen.closed !== undefined), 'all were told to go', withinMs);

/** What a node writes whose event nobody hears. */
async function revokeUnheard({ client }: TestRedis, key: string): Promise<void> {
  const hash = apiKeyHash(key);
  const stored = (await client.hget(API_KEYS_KEY, hash)) ?? '';
  const record = parseKeyRecord(stored.slice(stored.indexOf(' ') + 1));
  if (record === undefined) throw new Error(`no record: ${stored}`);
  const revoked = { ...record, revoked_ms: 1, revision: record.revision + 1 };
  await client.hset(API_KEYS_KEY, hash, `${rankOf(revoked)} ${JSON.stringify(revoked)}`, '#version', 'another');
}

test('a key that is revoked ends its WebSockets on all nodes, and no others', async () => {
  await using redis = await startRedis();
  await using upstream = await socketUpstream({ echo: true });
  const inFile = aKey();
  const options = {
    env: {
      API_KEYS: 'both',
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      JOBS: 'off',
      WORKERS: '1',
      DRAIN_TIMEOUT_SECONDS: '1',
    },
    yaml:
      `upstreams: { o: { url: "${upstream.url}" } }\nconsumers: { ada: { keys: [${inFile.yaml}] } }\n` +
      'routes: [{ path: /, upstream: o, authenticate: [api_key], websocket: {} }]',
  };
  await using one = await startGateway(options);
  await using other = await startGateway(options);
  const run = runOf(one);
  const make = async (): Promise<string> => parsed(madeKeyAnswer, await run('key', 'create', 'acme', '--json')).key;
  const [revoked, kept, unheard, replaced] = [await make(), await make(), await make(), await make()];
  const openBoth = (key: string): Promise<Peer[]> => Promise.all([openAs(one, key), openAs(other, key)]);
  const [ofRevoked, ofKept, ofUnheard, ofReplaced] = [
    await openBoth(revoked),
    [...(await openBoth(kept)), ...(await openBoth(inFile.key))],
    await openBoth(unheard),
    await openBoth(replaced),
  ];

  expect((await run('key', 'revoke', apiKeyHash(revoked).slice(0, 16))).code).toBe(0);
  await areGone(ofRevoked, BEFORE_THE_NEXT_LOOK_MS);
  for (const peer of ofRevoked) expect(await peer.ended()).toEqual(REFUSED);
  await expect(openAs(other, revoked)).rejects.toThrow('401');

  await revokeUnheard(redis, unheard);
  for (const peer of ofUnheard) expect(await peer.ended()).toEqual(REFUSED);

  // Its new time is that of the WebSocket too.
  expect((await run('key', 'rotate', apiKeyHash(replaced).slice(0, 16), '--keep', '2s')).code).toBe(0);
  for (const peer of ofReplaced) await answers(peer);
  for (const peer of ofReplaced) expect(await peer.ended()).toEqual(REFUSED);
  for (const peer of ofKept) await answers(peer);
});

test('a key that a reload takes out of the file ends its WebSockets', async () => {
  await using upstream = await socketUpstream({ echo: true });
  const keys = [aKey('k1'), aKey('k2'), aKey('k3')] as const;
  const yaml = (...kept: readonly string[]): string =>
    `upstreams: { o: { url: "${upstream.url}" } }\nconsumers: { ada: { keys: [${kept.join(', ')}] } }\n` +
    'routes: [{ path: /, upstream: o, authenticate: [api_key], websocket: {} }]';
  await using gateway = await startGateway({
    yaml: yaml(...keys.map((key) => key.yaml)),
    env: { DRAIN_TIMEOUT_SECONDS: '1' },
  });
  const [out, off, stays] = [
    await openAs(gateway, keys[0].key),
    await openAs(gateway, keys[1].key),
    await openAs(gateway, keys[2].key),
  ];
  await reloadsOf(gateway)(yaml(keys[1].yaml.replace(' }', ', disabled: true }'), keys[2].yaml));
  expect(await out.ended()).toEqual(REFUSED);
  expect(await off.ended()).toEqual(REFUSED);
  await answers(stays);
});
