import { expect, test } from 'vitest';
import type { BreakerEvent } from '../../shared/redis/events.ts';
import { FIELD, createBreakerMemory, kindOf, rowOf } from '../../shared/breaker/memory.ts';
import type { ToBreakerThread } from '../../shared/breaker/messages.ts';
import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { DEFAULT_RULE } from '../../shared/breaker/rule.ts';
import type { BreakerRule } from '../../shared/breaker/rule.ts';
import type { SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';
import type { BreakerAuthority } from './authority.ts';
import { NEVER_SEEN } from './cell.ts';
import { BreakerFront } from './front.ts';

/** An authority whose answers the test gives by hand, to put them in an order that a network seldom shows. */
class SlowAuthority implements BreakerAuthority {
  readonly asked: { readonly request: SyncRequest; answer(reply: SyncReply): Promise<void>; fail(): Promise<void> }[] =
    [];
  reachable = (): boolean => true;
  whyNot = (): string => '';
  datesWords = (): boolean => true;
  sync(request: SyncRequest): Promise<SyncReply> {
    return new Promise((resolve, reject) => {
      const settled = () => new Promise<void>((done) => void setImmediate(done));
      this.asked.push({
        request,
        answer: (reply) => (resolve(reply), settled()),
        fail: () => (reject(new Error('gone')), settled()),
      });
    });
  }
  /** Answers everything up to now with a state. */
  async answerAll(reply: SyncReply): Promise<void> {
    for (const one of this.asked.splice(0)) await one.answer(reply);
  }
}

function start(rule: Partial<BreakerRule> = {}) {
  const authority = new SlowAuthority();
  const memory = createBreakerMemory(1);
  const sent: ToBreakerThread[] = [];
  const front = new BreakerFront({
    memory,
    authority,
    node: 'a',
    upstreams: [{ name: 'api', mode: 'on', rule: { ...DEFAULT_RULE, ...rule }, window: undefined }],
    send: (_thread, message) => void sent.push(message),
    liveNodes: () => 1,
    clock: createProcessClock(),
    wallClock: () => 0,
    random: () => 0,
    listener: () => {},
  });
  const words = new Int32Array(memory);
  const state = (): string => kindOf(Atomics.load(words, rowOf(1) + FIELD.WORD));
  return { front, authority, state, sent, [Symbol.dispose]: () => front.close() };
}

const moved = (to: 'OPEN' | 'CLOSED' | 'HALF_OPEN', epoch: number): BreakerEvent => ({
  type: 'circuit-breaker',
  upstream: 'api',
  from: 'CLOSED',
  to,
  epoch,
  reason: 'consecutive_failures',
  node: 'b',
  time: 0,
  failures: 5,
  open_for_ms: to === 'OPEN' ? 60_000 : 0,
});
const OPEN = { ...NEVER_SEEN, kind: 'OPEN', epoch: 10, openForMs: 60_000 } as const;

test('an answer that an event has overtaken does not undo the event', async () => {
  using node = start();
  await node.authority.answerAll([NEVER_SEEN]);
  node.front.doubt();
  node.front.hint(moved('OPEN', 10));
  expect(node.state()).toBe('OPEN');
  await node.authority.answerAll([NEVER_SEEN]);
  expect(node.state()).toBe('OPEN');
  await node.authority.answerAll([OPEN]); // it asked again
  expect(node.state()).toBe('OPEN');
});

test('but when the second answer says the same, the hash was deleted', async () => {
  using node = start();
  await node.authority.answerAll([NEVER_SEEN]);
  node.front.doubt();
  node.front.hint(moved('OPEN', 10));
  await node.authority.answerAll([NEVER_SEEN]);
  await node.authority.answerAll([NEVER_SEEN]);
  expect(node.state()).toBe('CLOSED');
});

test('an event of an older epoch changes nothing', async () => {
  using node = start();
  await node.authority.answerAll([OPEN]);
  node.front.hint(moved('CLOSED', 9));
  node.front.hint(moved('CLOSED', 10));
  expect(node.state()).toBe('OPEN');
  node.front.hint(moved('CLOSED', 11));
  expect(node.state()).toBe('CLOSED');
});

test('a permit for a thread that has died meanwhile goes back', async () => {
  using node = start();
  await node.authority.answerAll([{ ...NEVER_SEEN, kind: 'HALF_OPEN', epoch: 11 }]);
  node.front.receive(3, { type: 'breaker-ask', place: 1, id: 1, client: '' });
  const [asked] = node.authority.asked.splice(0);
  const [op] = asked?.request.upstreams[0]?.ops ?? [];
  node.front.threadGone(3);
  const granted = op?.op === 'ask' ? [op.permit] : [];
  await asked?.answer([{ ...NEVER_SEEN, kind: 'HALF_OPEN', epoch: 11, granted }]);
  expect(node.sent).toEqual([]);
  expect(node.authority.asked[0]?.request.upstreams[0]?.ops).toEqual([
    { op: 'result', epoch: 11, permit: granted[0], outcome: 'aborted' },
  ]);
});

test('an ask that was on its way when Redis went is answered by the process', async () => {
  using node = start();
  await node.authority.answerAll([{ ...NEVER_SEEN, kind: 'HALF_OPEN', epoch: 11 }]);
  node.front.receive(0, { type: 'breaker-ask', place: 1, id: 7, client: '' });
  await node.authority.asked.splice(0)[0]?.fail();
  expect(node.front.scope()).toBe('node');
  expect(node.sent).toEqual([{ type: 'breaker-answer', id: 7, granted: true }]);
});
