import { describe, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { sure, testNode } from './threads.ts';

/** Requests that belong together go to one target. */

const BY_IP = ', balance: { by: ip }';
const FIVE = ['a', 'b', 'c', 'd', 'e'] as const;
const KEYS = Array.from({ length: 500 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);

type Node = ReturnType<typeof testNode>;
const placesOf = (node: Node): string[] => KEYS.map((key) => node.upstream.pick(node.request(key)).name);

describe('by a key', () => {
  test('each goes to one target, the same on every thread and node', () => {
    const node = testNode({ names: FIVE, more: BY_IP, threads: 2 });
    const places = placesOf(node);
    expect(placesOf(node)).toEqual(places);
    expect(KEYS.map((key) => node.drawn(1, key, 1)[0])).toEqual(places.map((name) => name.slice(7)));
    expect(placesOf(testNode({ names: ['e', 'c', 'a', 'd', 'b'], more: BY_IP }))).toEqual(places);
    expect(new Set(places).size).toBe(5);
  });

  test('those of a target that is ejected go to their second choice, those of others stay, and all come back', () => {
    const node = testNode({ names: FIVE, more: BY_IP });
    const before = placesOf(node);
    for (let i = 0; i < 5; i++) node.answer('b', 503, { client: i % 2 === 0 ? 'x' : 'y' });
    expect(node.ejected()).toEqual(['b']);
    const out = placesOf(node);
    expect(out).not.toContain('http://b');
    const others = (places: readonly string[]) => places.filter((_, i) => before[i] !== 'http://b');
    expect(others(out)).toEqual(others(before));
    expect(placesOf(node)).toEqual(out);
    node.pass(10_000);
    // Only a key of its own tries it.
    const other = node.request(sure(KEYS[before.findIndex((name) => name !== 'http://b')]));
    node.upstream.pick(other);
    expect(other.trial).toBe(false);
    const own = node.request(sure(KEYS[before.indexOf('http://b')]));
    expect(node.upstream.pick(own).name).toBe('http://b');
    sure(node.target('b').ejection).answered(200, own, node.clock.ms);
    expect(placesOf(node)).toEqual(before);
  });

  test('one that probes have taken out, or that refuses connections, is passed over', () => {
    const node = testNode({ names: FIVE, more: BY_IP });
    const before = placesOf(node);
    node.say('up', 'wrong', 'up', 'up', 'up');
    expect(placesOf(node)).not.toContain('http://b');
    node.say('wrong', 'wrong', 'wrong', 'up', 'up');
    expect(placesOf(node)).toEqual(before); // too few are left
    node.say('up', 'up', 'up', 'up', 'up');
    node.target('c').skipUntilMs = node.clock.ms + 100;
    expect(placesOf(node)).not.toContain('http://c');
    for (const name of FIVE) node.target(name).skipUntilMs = node.clock.ms + 100;
    expect(placesOf(node)).toEqual(before);
  });

  test('goes elsewhere while its target has a quarter more than its share under way', () => {
    const node = testNode({ names: FIVE, more: BY_IP });
    const key = sure(KEYS[0]);
    const own = sure(node.upstream.targets.find(({ name }) => name === node.upstream.pick(node.request(key)).name));
    for (let i = 0; i < 8; i++) node.upstream.pick(node.request(key)).pending++;
    expect(own.pending).toBe(8); // so few are never too many
    for (const target of node.upstream.targets) target.pending = 20;
    own.pending = 27; // with one more of 108 in all, 27 are a quarter more than a fifth
    expect(node.upstream.pick(node.request(key))).not.toBe(own);
    own.pending = 24;
    expect(node.upstream.pick(node.request(key))).toBe(own);
    for (let i = 0; i < 1_000; i++) node.upstream.pick(node.request(key)).pending++; // one key alone
    const mean = node.upstream.targets.reduce((sum, { pending }) => sum + pending, 0) / 5;
    for (const { pending } of node.upstream.targets) expect(pending).toBeLessThanOrEqual(Math.ceil(1.25 * mean));
  });

  test('heeds weights: of 0 it gets no key', () => {
    const node = testNode({ names: ['a', 'b', 'c'], weights: [6, 3, 0], more: BY_IP });
    const places = placesOf(node);
    const shareOf = (name: string): number => places.filter((each) => each === `http://${name}`).length / KEYS.length;
    expect([shareOf('a'), shareOf('b'), shareOf('c')]).toEqual([expect.closeTo(0.667, 1), expect.closeTo(0.333, 1), 0]);
  });
});

describe('a gateway', () => {
  test('keeps devices and sessions on their targets, and draws for requests without', async () => {
    await using a = await scriptedUpstream();
    await using b = await scriptedUpstream();
    await using c = await scriptedUpstream();
    const targets = [a, b, c];
    for (const each of targets) each.behaviour = (response) => response.end(each.url);
    const urls = JSON.stringify(targets.map(({ url }) => url));
    await using node = await startGateway({
      env: { ACCESS_LOG: 'off', WORKERS: '2', TRUSTED_PROXIES: '127.0.0.1' },
      yaml: `
upstreams:
  device: { targets: ${urls}, balance: { by: "header:x-device-id" } }
  session: { targets: ${urls}, balance: { by: "cookie:sid" } }
  address: { targets: ${urls}, balance: { by: ip } }
routes:
  - { path: /device, upstream: device, limits: [] }
  - { path: /session, upstream: session, limits: [] }
  - { path: /address, upstream: address, limits: [] }
`,
    });
    const placesOfMany = async (path: string, headers: Readonly<Record<string, string>>): Promise<number> => {
      const seen = new Set<string>();
      for (let i = 0; i < 12; i++) seen.add((await get(node.port, { path, headers })).body);
      return seen.size;
    };
    for (let device = 0; device < 5; device++) {
      expect(await placesOfMany('/device', { 'x-device-id': `d${device}` })).toBe(1);
      expect(await placesOfMany('/session', { cookie: `a=1; sid=s${device}; b=2` })).toBe(1);
      expect(await placesOfMany('/address', { 'x-forwarded-for': `10.0.0.${device}` })).toBe(1);
    }
    expect(await placesOfMany('/device', {})).toBeGreaterThan(1);
    const all = new Set<string>();
    for (let i = 0; i < 30; i++)
      all.add((await get(node.port, { path: '/device', headers: { 'X-Device-Id': `e${i}` } })).body);
    expect(all.size).toBe(3);
  });
});
