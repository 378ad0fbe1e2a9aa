import { fc, test } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { createBreakerMemory } from '../../src/shared/breaker/memory.ts';
import { OUTCOME } from '../../src/shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../src/shared/breaker/outcome.ts';
import { DEFAULT_RULE } from '../../src/shared/breaker/rule.ts';
import { BreakerFront } from '../../src/primary/breaker/front.ts';
import { ASK, createGate, REFUSE } from '../../src/workers/gateway/breaker/gate.ts';
import type { BreakerGate } from '../../src/workers/gateway/breaker/gate.ts';

const { FAILURE, IGNORED, SUCCESS } = OUTCOME;
const STEP_MS = 50;
const WINDOW = { windowMs: 10_000, minVolume: 20, errorRate: 0.5, slowRate: 0 };
const GOOD = '192.0.2.1';
const BAD = '203.0.113.66';

/** A node with default settings on a clock of its own: seconds pass in no time, and always the same way. */
class SimulatedNode implements Disposable {
  nowMs = 1_000_000;
  readonly #front: BreakerFront;
  readonly #gates: readonly BreakerGate[];
  #turn = 0;

  constructor() {
    const memory = createBreakerMemory(1);
    const clock = (): number => this.nowMs;
    this.#front = new BreakerFront({
      memory,
      clock,
      node: 'a',
      authority: undefined,
      upstreams: [{ name: 'api', mode: 'on', rule: DEFAULT_RULE, window: WINDOW }],
      send: (thread, message) => this.#gates[thread]?.receive(message),
      liveNodes: () => 1,
      wallClock: clock,
      random: () => 0.5,
      listener: () => {},
    });
    this.#gates = [0, 1].map((thread) =>
      createGate({ memory, clock, post: (message) => this.#front.receive(thread, message) }),
    );
  }

  get state(): string {
    return this.#gates[0]?.state(1) ?? '';
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.nowMs += Math.min(left, STEP_MS);
      vi.advanceTimersByTime(Math.min(left, STEP_MS));
      for (const gate of this.#gates) gate.tick();
    }
  }

  /** Begins a request. @returns what to call when it is over, or undefined: refused */
  begin(address: string): ((outcome: BreakerOutcome) => void) | undefined {
    const gate = this.#gates[this.#turn++ % this.#gates.length] as BreakerGate;
    let token = gate.check(1, address);
    if (token === ASK) gate.ask(1, address, (granted) => (token = granted));
    if (token === REFUSE) return undefined;
    return (outcome) => gate.outcome({ breakerPlace: 1, breakerToken: token, breakerClient: address }, outcome);
  }

  /** A request that is over at once. @returns whether it was served */
  request(address: string, outcome: BreakerOutcome): boolean {
    const end = this.begin(address);
    end?.(outcome);
    return end !== undefined;
  }

  [Symbol.dispose](): void {
    for (const gate of this.#gates) gate.close();
    this.#front.close();
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ten minutes in which one client is served every 5 s. @returns the share of its requests that were */
function tenMinutes(node: SimulatedNode, everyStep: (elapsedMs: number) => void): number {
  let sent = 0;
  let served = 0;
  for (let elapsedMs = 0; elapsedMs < 600_000; elapsedMs += STEP_MS) {
    everyStep(elapsedMs);
    if (elapsedMs % 5_000 === 2_500) {
      sent++;
      if (node.request(GOOD, SUCCESS)) served++;
    }
    node.pass(STEP_MS);
  }
  expect(sent).toBe(120);
  return served / sent;
}

const fiveASecond = (node: SimulatedNode) => (elapsedMs: number) => {
  if (elapsedMs % 200 === 0) node.request(BAD, FAILURE);
};

/** Opens for all: everybody fails. */
function outage(node: SimulatedNode): void {
  for (let i = 0; i < 40 && node.state === 'CLOSED'; i++) {
    node.request(i % 2 === 0 ? BAD : GOOD, FAILURE);
    node.pass(STEP_MS);
  }
  expect(node.state).toBe('OPEN');
  expect(node.request('198.51.100.9', SUCCESS)).toBe(false);
}

describe('five failures a second of one client, for ten minutes, on an otherwise idle service', () => {
  test('the other client is served', () => {
    using node = new SimulatedNode();
    expect(tenMinutes(node, fiveASecond(node))).toBeGreaterThanOrEqual(0.99);
  });

  test('also where it asks for every probe, after an outage that opened it for all', () => {
    using node = new SimulatedNode();
    outage(node);
    node.pass(DEFAULT_RULE.resetTimeoutMs - 1_000);
    expect(
      tenMinutes(node, (elapsedMs) => void (elapsedMs >= 1_000 && node.request(BAD, FAILURE))),
    ).toBeGreaterThanOrEqual(0.99);
  });

  test('also where it holds every probe that it gets, and lets it end without a result', () => {
    using node = new SimulatedNode();
    outage(node);
    node.pass(DEFAULT_RULE.resetTimeoutMs);
    const held: ((outcome: BreakerOutcome) => void)[] = [];
    const share = tenMinutes(node, (elapsedMs) => {
      const end = node.begin(BAD);
      if (end !== undefined) held.push(end);
      if (elapsedMs % 10_000 === 0) for (const each of held.splice(0)) each(IGNORED);
    });
    expect(share).toBeGreaterThanOrEqual(0.99);
  });
});

describe('what still opens', () => {
  test("the runbook's check: one client, nothing else; it stays open for that client", () => {
    using node = new SimulatedNode();
    const seen = Array.from({ length: 20 }, () => node.request(BAD, FAILURE));
    expect(seen).toEqual([...Array<boolean>(5).fill(true), ...Array<boolean>(15).fill(false)]);
    node.pass(DEFAULT_RULE.resetTimeoutMs - 1_000);
    expect(node.request(BAD, SUCCESS)).toBe(false);
    node.pass(1_050);
    expect([node.request(BAD, SUCCESS), node.request(BAD, SUCCESS), node.state]).toEqual([true, true, 'CLOSED']);
  });

  test('an opening for one client is one for all as soon as another fails', () => {
    using node = new SimulatedNode();
    for (let i = 0; i < 5; i++) node.request(BAD, FAILURE);
    expect([node.state, node.request(GOOD, FAILURE)]).toEqual(['OPEN', true]);
    expect(node.request(GOOD, SUCCESS)).toBe(false);
    expect(node.request('198.51.100.9', SUCCESS)).toBe(false);
    node.pass(DEFAULT_RULE.resetTimeoutMs + 50);
    expect(node.request(GOOD, SUCCESS)).toBe(true);
  });

  test('while others ask, who caused it gets no probe', () => {
    using node = new SimulatedNode();
    for (let i = 0; i < 5; i++) node.request(BAD, FAILURE);
    node.pass(20_000);
    expect(node.request(GOOD, SUCCESS)).toBe(true);
    node.pass(20_000);
    expect([node.state, node.request(BAD, SUCCESS)]).toEqual(['OPEN', false]);
    expect(node.request(GOOD, SUCCESS)).toBe(true);
    expect(node.state).toBe('CLOSED');
  });

  test('an outage on a busy service: as soon as nobody is left who was served well', () => {
    using node = new SimulatedNode();
    const clients = Array.from({ length: 12 }, (_, i) => `192.0.2.${i}`);
    for (let i = 0; i < 400; i++) {
      node.request(clients[i % 12] ?? '', SUCCESS);
      node.pass(STEP_MS);
    }
    let failed = 0;
    while (node.state === 'CLOSED' && failed < 1_000) {
      node.request(clients[failed++ % 12] ?? '', FAILURE);
      node.pass(STEP_MS);
    }
    expect(failed).toBe(clients.length);
  });
});

/** Who asks, how it ends, and how long nothing happens before. */
const traffic = (clients: readonly string[]) =>
  fc.array(
    fc.record({ client: fc.constantFrom(...clients), gapMs: fc.oneof(fc.nat(300), fc.nat(300), fc.nat(40_000)) }),
    { minLength: 30, maxLength: 150 },
  );

describe('over mixes of clients', () => {
  test.prop([traffic([BAD, BAD, BAD, GOOD, '192.0.2.2'])], { numRuns: 60 })(
    'beside one bad client no good one is ever refused',
    (requests) => {
      using node = new SimulatedNode();
      for (const { client, gapMs } of requests) {
        node.pass(gapMs);
        const served = node.request(client, client === BAD ? FAILURE : SUCCESS);
        if (client !== BAD) expect(served).toBe(true);
      }
    },
  );

  test.prop([fc.array(fc.constantFrom('203.0.113.1', '203.0.113.2', '203.0.113.3'), { minLength: 40, maxLength: 60 })])(
    'where all fail few requests get through',
    (clients) => {
      using node = new SimulatedNode();
      let passed = 0;
      for (const client of clients) {
        if (node.request(client, FAILURE)) passed++;
        node.pass(STEP_MS);
      }
      expect(node.state).toBe('OPEN');
      // Five in a row, and one more where they were of one client.
      expect(passed).toBeLessThanOrEqual(DEFAULT_RULE.failureThreshold + 1);
    },
  );
});
