import { decisionFromLevels } from '../../../shared/limits/decision.ts';
import type { Decision, Waiter } from '../../../shared/limits/decision.ts';
import { limitOfShare, waitsOfShare } from '../../../shared/limits/process-share.ts';
import { CLOSED_RETRY_MS } from '../../../shared/limits/rule.ts';
import type { CompiledRule } from '../../../shared/limits/rule.ts';
import type { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import type { LimitLane } from './limit-lane.ts';

export interface WithoutStore {
  /** Whose bucket it is; an address's where the client has none here and there is no room for one. */
  client: string;
  readonly waiter: Pick<Waiter, 'addressName'>;
  readonly lane: LimitLane;
  readonly local: SharedMemoryStore;
  readonly liveNodes: number;
  readonly nowMs: number;
  /** The memory of this process has no room for a new client. */
  readonly onNoRoom: () => void;
}

/** Decides as the lane says for the time when its store cannot be asked. */
export function decideWithoutStore(ask: WithoutStore): Decision {
  const mode = ask.lane.onStoreFailure;
  switch (mode) {
    case 'local':
      return decideLocally(ask);
    case 'open':
      return letPass(ask.lane);
    case 'closed':
      return undecided(ask.lane, { outcome: 'unavailable', mode, retryAfterMs: CLOSED_RETRY_MS });
    default:
      return mode satisfies never;
  }
}

/**
 * For a request whose buckets in this process's own memory stay locked by a thread that was suspended or ended, until the
 * front has freed them: there is nothing left to count with, so a `local` route lets it pass.
 */
export const decideWhileLocked = (ask: WithoutStore): Decision =>
  ask.lane.onStoreFailure === 'closed' ? decideWithoutStore(ask) : letPass(ask.lane);

const letPass = (lane: LimitLane): Decision => undecided(lane, { outcome: 'granted', mode: 'open', retryAfterMs: 0 });

function undecided(lane: LimitLane, end: Pick<Decision, 'outcome' | 'mode' | 'retryAfterMs'>): Decision {
  const rule = lane.rules[0] as CompiledRule; // a lane has at least one rule
  const remaining = end.outcome === 'granted' ? rule.capacity : 0;
  return { ...end, remaining, limit: rule.capacity, resetMs: 0, rule };
}

/** By this process's share of the limits, whatever the lane says. */
export function decideLocally(ask: WithoutStore): Decision {
  const { lane, local, liveNodes } = ask;
  const share = Math.max(1, liveNodes);
  const limits =
    share === 1 ? lane : { cost: lane.cost, rules: lane.rules.map((rule) => limitOfShare(rule, lane, share)) };
  let granted = local.takeSeeded(ask.client, limits, { seed: seedOf(ask, share) });
  if (granted === 'full') {
    ask.client = ask.waiter.addressName();
    ask.onNoRoom();
    granted = local.takeSeeded(ask.client, limits, { seed: seedOf(ask, share), mayMake: true });
  }
  if (granted === undefined) return decideWhileLocked(ask);
  // Waits are those of the share: a token here comes back 1/share as fast.
  const shared = share === 1 ? lane : { cost: lane.cost, rules: lane.rules.map((rule) => waitsOfShare(rule, share)) };
  return decisionFromLevels(shared, local.left, {
    outcome: granted ? 'granted' : 'refused',
    mode: 'local',
    laterTokens: 0,
  });
}

/** What its buckets hold at most, by what was last heard of them. */
function seedOf({ client, lane, nowMs }: WithoutStore, share: number): readonly number[] | undefined {
  const known = lane.known.get(client);
  return known?.left.map((left, i) => {
    const rule = lane.rules[i] as CompiledRule;
    const tokens = left + ((nowMs - known.settledMs) * rule.refillPerSecond) / 1000;
    return Math.min(tokens, rule.capacity) / share;
  });
}
