import { setUp, spec } from '../../../../test/limits/held-limiter.ts';
import { Overrides } from '../limits/overrides.ts';
import type { LaneSpec } from '../limits/limit-lane.ts';
import { MessageGate, MessageGates } from './message-gate.ts';
import type { MessageLimit } from './message-gate.ts';
import type { Refusal } from './gate.ts';

/** A side of a tunnel that only notes what its gate does. */
export interface NotedSide {
  readonly gate: MessageGate;
  /** What came of each message, in order. */
  readonly said: string[];
  /** A message comes; where one waits, it stays behind that. */
  readonly send: () => void;
}

/** Limits of messages over a limiter whose store answers when the test says so. */
export function heldLimits() {
  const held = setUp();
  const refused: string[] = [];
  const shadowed: string[] = [];
  const overrides = new Overrides(() => held.time.ms);
  const gates = new MessageGates(
    {
      limiter: held.limiter,
      overrides,
      keys: { nameOfAddress: (address) => address },
      shadow: { refused: (route) => void shadowed.push(route) },
      refused: { add: (client) => void refused.push(client) },
      isExempt: (_address, client) => client === 'exempt',
      addressName: (address) => address,
    },
    () => held.time.ms,
  );
  const limitOf = (onRefused: MessageLimit['onRefused'], extra: Partial<LaneSpec> = {}): MessageLimit => {
    const lane = held.limiter.lane(spec(extra));
    return { route: 'r', limit: { lane, shadow: lane.shadow, headers: { mode: 'off', policy: '' } }, onRefused };
  };
  const open = (client: string, limit: MessageLimit): NotedSide => {
    const said: string[] = [];
    const state = { holds: false, behind: 0 };
    const settle = (what: string): void => {
      state.holds = false;
      said.push(what);
      if (what !== 'pass') return;
      for (; state.behind > 0 && !state.holds; state.behind--) send();
    };
    const side = {
      get holds() {
        return state.holds;
      },
      release: () => settle('pass'),
      refuse: ({ code, reason }: Refusal) => settle(`${code} ${reason}`),
    };
    const gate = new MessageGate(gates, { client, address: '192.0.2.1' }, side);
    gate.apply(limit);
    const send = (): void => {
      if (state.holds) {
        state.behind++;
        return;
      }
      const answer = gate.onMessage();
      if (answer === 'pass') said.push('pass');
      else if (answer === 'wait') state.holds = true;
      else said.push(`${gate.refusal.code} ${gate.refusal.reason}`);
    };
    return { gate, said, send };
  };
  return { ...held, gates, overrides, refused, shadowed, limitOf, open };
}
