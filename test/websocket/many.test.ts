import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { until, untilPasses } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

/** `GATEWAY_TEST_SOCKETS=5000` and more need as many descriptors (`ulimit -n`). */
const SOCKETS = Number(process.env['GATEWAY_TEST_SOCKETS'] ?? 300);
const AT_ONCE = 50;
/** Sockets that are replaced, for each that is open. */
const ROUNDS = 2;

/** The same numbers every time. */
function chance(): () => number {
  let seed = 7;
  return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

test('many sockets come, talk and go in all ways; nothing is left of those that went, and SIGTERM tells the rest', async () => {
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: {
      UPSTREAM_URL: upstream.url,
      WORKERS: '2',
      ACCESS_LOG: 'off',
      RATE_LIMIT_ALLOWLIST: '127.0.0.1',
      MAX_CONNECTIONS: '50000',
      WEBSOCKET_MAX_CONNECTIONS: '20000',
      DRAIN_TIMEOUT_SECONDS: '10',
    },
  });
  const url = `ws://127.0.0.1:${gateway.port}/proxy/ws`;
  const descriptors = (): number => readdirSync(`/proc/${gateway.process.pid}/fd`).length;
  const openCount = async (): Promise<number> => {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    return Number(/^websocket_connections_open\{route="proxy"\} (\d+)$/m.exec(text)?.[1]);
  };
  const random = chance();
  const peers: Peer[] = [];
  const ensure = async (count: number): Promise<void> => {
    while (peers.length < count) {
      const missing = Math.min(AT_ONCE, count - peers.length);
      peers.push(...(await Promise.all(Array.from({ length: missing }, () => open(url)))));
    }
  };
  const talk = async (some: readonly Peer[]): Promise<void> => {
    const had = some.map(({ seen }) => seen.messages.length);
    for (const { socket } of some) socket.send('hello');
    await Promise.all(some.map((peer, i) => peer.got((had[i] as number) + 1)));
  };
  await ensure(SOCKETS);
  const before = descriptors();
  for (let round = 0; round < (ROUNDS * SOCKETS) / AT_ONCE; round++) {
    const leaving = peers.splice(Math.floor(random() * (peers.length - AT_ONCE)), AT_ONCE);
    await talk(leaving.filter(() => random() < 0.5));
    for (const { socket } of leaving) {
      if (random() < 0.5) socket.close(1000);
      else socket.terminate();
    }
    await Promise.all(leaving.map((peer) => peer.ended()));
    await ensure(SOCKETS);
  }
  await untilPasses(async () => expect(await openCount()).toBe(SOCKETS));
  await until(() => upstream.peers.filter(({ seen }) => seen.closed === undefined).length === SOCKETS);
  await until(() => descriptors() <= before + 10, { describe: descriptors });
  for (let from = 0; from < peers.length; from += 500) await talk(peers.slice(from, from + 500));
  expect(await gateway.stop('SIGTERM')).toBe(0);
  const ends = await Promise.all(peers.map((peer) => peer.ended()));
  expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1001]));
});
