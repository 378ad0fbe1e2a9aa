import { expect, test } from 'vitest';
import { FairLine } from './fair-line.ts';
import type { FairClients } from './fair-line.ts';
import type { Share, Sharer } from './share.ts';

const CLIENTS: FairClients = {
  fair: true,
  nameOf: (address) => address,
  isExempt: (address) => address.startsWith('proxy'),
};

/** A request, by the name of its client. */
class Request implements Sharer {
  readonly limitClient = '';
  holds = false;
  waitsIn: Share | undefined = undefined;
  heldIn: Share | undefined = undefined;
  chainPrevious: Sharer | undefined = undefined;
  chainNext: Sharer | undefined = undefined;
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }
}

/** A target with so many connections, which gives them to whom the line says. */
class Pool {
  readonly line: FairLine<Request>;
  readonly clients: FairClients;
  readonly #connections: number;
  readonly #held = new Set<Request>();

  constructor(connections: number, clients = CLIENTS) {
    this.#connections = connections;
    this.clients = clients;
    this.line = new FairLine<Request>(this, connections);
  }

  forEachHeld(visit: (one: Sharer) => void): void {
    for (const one of this.#held) visit(one);
  }

  ask(client: string, count = 1): Request[] {
    return Array.from({ length: count }, () => {
      const request = new Request(client);
      if (this.#held.size < this.#connections && this.line.mayStart(request)) this.#give(request);
      else this.line.push(request);
      return request;
    });
  }

  end(request: Request): void {
    this.#held.delete(request);
    this.line.release(request);
    while (this.#held.size < this.#connections) {
      const next = this.line.shift();
      if (next === undefined) return;
      this.#give(next);
    }
  }

  /** Ends some exchange of the client. */
  endOne(client: string): void {
    for (const one of this.#held) if (one.address === client) return this.end(one);
  }

  has(client: string): number {
    return [...this.#held].filter(({ address }) => address === client).length;
  }

  #give(request: Request): void {
    this.#held.add(request);
    this.line.hold(request);
  }
}

test('one client alone has all but the last eighth, and as much again as it gives back', () => {
  const pool = new Pool(64);
  pool.ask('a', 200);
  expect([pool.has('a'), pool.line.size, pool.line.mostConnections]).toEqual([56, 144, 56]);
  for (let i = 0; i < 100; i++) pool.endOne('a');
  expect([pool.has('a'), pool.line.size]).toEqual([56, 44]);
});

test('whoever comes then is served at once, and those after it up to a quarter each', () => {
  const pool = new Pool(64);
  pool.ask('a', 200);
  pool.ask('b', 3);
  pool.ask('c', 3);
  expect([pool.has('a'), pool.has('b'), pool.has('c')]).toEqual([56, 3, 3]);
});

test('a client above a quarter starts nothing while one below it waits; when nobody does, it goes on', () => {
  const pool = new Pool(64);
  pool.ask('a', 200);
  const early = pool.ask('b', 12);
  expect([pool.has('a'), pool.has('b')]).toEqual([56, 8]);
  for (let i = 0; i < 4; i++) pool.endOne('a');
  expect([pool.has('a'), pool.has('b')]).toEqual([52, 12]);
  for (const each of early) pool.end(each);
  pool.endOne('a');
  expect([pool.has('a'), pool.has('b')]).toEqual([56, 0]);
});

test('two that want everything have all but the eighth between them: nothing stays unused for their sake', () => {
  const pool = new Pool(64);
  pool.ask('a', 200);
  pool.ask('b', 200);
  for (let i = 0; i < 300; i++) pool.endOne(pool.has('a') > pool.has('b') ? 'a' : 'b');
  expect(pool.has('a') + pool.has('b')).toBe(56);
  expect(Math.abs(pool.has('a') - pool.has('b'))).toBeLessThanOrEqual(2);
});

test('those who wait come in turn, client by client, and first come, first served of one', () => {
  const pool = new Pool(1);
  const [held] = pool.ask('x');
  const order: string[] = [];
  const waiting = new Map<Request, string>();
  for (const [client, count] of [
    ['a', 3],
    ['b', 1],
    ['c', 2],
  ] as const) {
    for (const [i, one] of pool.ask(client, count).entries()) waiting.set(one, `${client}${i}`);
  }
  for (let last: Request | undefined = held; last !== undefined;) {
    pool.end(last);
    last = [...waiting.keys()].find(({ holds }) => holds);
    if (last === undefined) break;
    order.push(waiting.get(last) ?? '');
    waiting.delete(last);
  }
  expect(order).toEqual(['a0', 'b0', 'c0', 'a1', 'c1', 'a2']);
});

test('whoever is exempt has no measure, and waits in turn', () => {
  const pool = new Pool(64);
  pool.ask('proxy', 200);
  expect(pool.has('proxy')).toBe(64);
  pool.ask('b', 2);
  pool.endOne('proxy');
  pool.endOne('proxy');
  expect([pool.has('proxy'), pool.has('b')]).toEqual([63, 1]);
});

test('a full line is left by the last of whoever has most in it; never by those who have as little as the newcomer', () => {
  const pool = new Pool(1);
  pool.ask('x');
  pool.ask('b');
  const many = pool.ask('a', 3);
  expect(pool.line.crowder(new Request('c'))).toBe(many[2]);
  expect(pool.line.crowder(new Request('a'))).toBeUndefined();
  expect([pool.line.crowds(new Request('a')), pool.line.crowds(new Request('c'))]).toEqual([true, false]);
});

test('counting ends when it is quiet, and nothing is left of anybody', () => {
  const pool = new Pool(8);
  const all = [...pool.ask('a', 20), ...pool.ask('b', 3)];
  expect(pool.line.active).toBe(true);
  for (let one = all.find(({ holds }) => holds); one !== undefined; one = all.find(({ holds }) => holds)) pool.end(one);
  pool.line.tick();
  expect([pool.line.active, pool.line.held, pool.line.size]).toEqual([false, 0, 0]);
  expect(all.every(({ heldIn, waitsIn }) => heldIn === undefined && waitsIn === undefined)).toBe(true);
});

test('whoever leaves before its turn is not served, and nobody behind it is forgotten', () => {
  const pool = new Pool(1);
  const [held] = pool.ask('x');
  const [first, second, third] = [...pool.ask('a', 2), ...pool.ask('b')];
  expect([first, second].map((one) => pool.line.remove(one as Request))).toEqual([true, true]);
  expect(pool.line.remove(first as Request)).toBe(false);
  pool.end(held as Request);
  expect([third?.holds, pool.line.size]).toEqual([true, 0]);
});

test('off: first come, first served', () => {
  const pool = new Pool(8, { ...CLIENTS, fair: false });
  pool.ask('a', 20);
  pool.ask('b');
  for (let i = 0; i < 12; i++) pool.endOne('a');
  expect([pool.has('a'), pool.has('b'), pool.line.active]).toEqual([8, 0, false]);
  pool.endOne('a');
  expect(pool.has('b')).toBe(1);
});
