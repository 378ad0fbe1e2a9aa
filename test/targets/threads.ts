import { SharedVerdicts } from '../../src/primary/health/shared-verdicts.ts';
import type { EjectionConfig } from '../../src/shared/config/types.ts';
import type { Verdict } from '../../src/shared/health/memory.ts';
import type { FromUpstreamThread } from '../../src/shared/upstreams/messages.ts';
import { configOf } from '../../src/shared/config/test-reading.ts';
import { createMetricMemory } from '../../src/shared/metrics/layout.ts';
import { ClientIds } from '../../src/workers/gateway/breaker/client-ids.ts';
import { Deadlines } from '../../src/workers/gateway/deadlines.ts';
import { ThreadMetrics } from '../../src/workers/gateway/metrics/thread-metrics.ts';
import { Streams } from '../../src/workers/gateway/upstream/streams.ts';
import type { Target } from '../../src/workers/gateway/upstream/target.ts';
import { Upstream } from '../../src/workers/gateway/upstream/upstream.ts';
import { watchHealth } from '../../src/workers/gateway/upstream/upstream-health.ts';
import { watchEjection } from '../../src/workers/gateway/upstream/watch-ejection.ts';

/** What a test knows to be there. */
export function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

const NOBODY_SHARES = { fair: false, nameOf: () => '', isExempt: () => true } as const;
const NO_NAMES = { lookup: () => undefined } as never;
/** Threads' clocks differ from that of the process. */
const AHEAD_MS = 7_000;

/** A request, as far as the choice of a target concerns it. */
export interface TestRequest {
  readonly breakerClient: string;
  readonly request: { readonly address: string; readonly consumer: string; readonly fields: string };
  trial: boolean;
}

/** Of a request: its client, and the thread that it is on. */
export interface From {
  readonly client?: string;
  readonly slot?: number;
}

export interface NodeOptions {
  readonly names: readonly string[];
  /** In their order; default: 1 each. */
  readonly weights?: readonly number[];
  readonly ejection?: EjectionConfig | 'never';
  /** Of the upstream, in YAML. */
  readonly more?: string;
  readonly threads?: number;
  readonly random?: () => number;
}

export const EJECTION: EjectionConfig = { mode: 'on', consecutive: 5, baseMs: 10_000, maxPercent: 50 };

/** The upstream `api` on several threads of a node that share their memory, without sockets, on a clock of the test. */
export function testNode({
  names,
  weights = [],
  ejection = EJECTION,
  more = '',
  threads = 1,
  random = Math.random,
}: NodeOptions) {
  const rule = ejection === 'never' ? undefined : ejection;
  const clock = { ms: 1_000 };
  const posted: FromUpstreamThread[] = [];
  const urls = names.map((name) => `http://${name}`);
  const yaml = `routes: [{ path: /, upstream: api }]\nupstreams: { api: { targets: ${JSON.stringify(urls.map((url, i) => ({ url, weight: weights[i] ?? 1 })))}, health: { path: / } ${more} } }`;
  const config = { ...sure(configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml }).upstreams[0]), ejection: rule };
  const front = new SharedVerdicts(() => clock.ms + AHEAD_MS);
  front.assign(['api', ...urls.map((url) => `api ${url}`)]);
  const { memory, places } = front.forThread();
  const all = Array.from({ length: threads }, (_, slot) => {
    const deadlines = new Deadlines(clock.ms, 50);
    const upstream = new Upstream({
      config,
      deadlines,
      random,
      metrics: new ThreadMetrics({
        metrics: createMetricMemory(1),
        slot: 0,
        metricRows: { route: {}, upstream: {}, rule: {} },
      }),
      handles: undefined,
      names: NO_NAMES,
      post: (message) => posted.push(message),
      clients: NOBODY_SHARES,
      streams: new Streams(NOBODY_SHARES, 0, () => undefined),
    });
    const words = new Int32Array(memory);
    const watch = { words, aheadMs: AHEAD_MS, clients: new ClientIds(), post: upstream.post };
    upstream.health = watchHealth(watch, places, { upstream: 'api', targets: upstream.targets });
    watchEjection(watch, places, { upstream, rule });
    upstream.reweigh(config.slowStartMs, watch, new Set());
    upstream.balanceBy(config.balance);
    return { slot, upstream, deadlines };
  });
  const thread = (slot: number) => sure(all[slot % all.length]);
  const goTo = (ms: number): void => {
    clock.ms = ms;
    for (const { deadlines, upstream } of all) {
      deadlines.tick(ms);
      upstream.tick(ms);
    }
  };
  goTo(clock.ms);
  const request = (client: string): TestRequest => ({
    breakerClient: client,
    request: { address: client, consumer: '', fields: '' },
    trial: false,
  });
  const target = (name: string, slot = 0): Target =>
    sure(thread(slot).upstream.targets.find((each) => each.name === `http://${name}`));
  return {
    clock,
    posted,
    front,
    upstream: thread(0).upstream,
    request,
    target,
    pass: (ms: number) => goTo(clock.ms + ms),
    /** Which targets are drawn in so many draws by one client, in the order of the configuration. */
    drawn: (draws = 60, client = 'drawer', slot = 0): string[] => {
      const seen = new Set<Target>();
      for (let i = 0; i < draws; i++) seen.add(thread(slot).upstream.pick(request(client)));
      return thread(slot)
        .upstream.targets.filter((each) => seen.has(each))
        .map(({ name }) => name.slice(7));
    },
    /** What a request of the client to the target came to, on that thread. */
    answer: (name: string, status: number, { client = '10.0.0.1', slot = 0 }: From = {}): void =>
      target(name, slot).ejection?.answered(status, request(client), clock.ms),
    say: (...verdicts: readonly Verdict[]): void => {
      for (const [i, verdict] of verdicts.entries()) front.set(`api ${urls[i] ?? ''}`, verdict, 1_000);
      front.setDown('api', verdicts.filter((verdict) => verdict !== 'up').length);
    },
    /** How often each target is picked of so many picks. */
    shares: (picks = 4_000): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const name of names) counts[name] = 0;
      for (let i = 0; i < picks; i++) {
        const { name } = thread(i).upstream.pick(request('drawer'));
        counts[name.slice(7)] = (counts[name.slice(7)] ?? 0) + 1 / picks;
      }
      return counts;
    },
    ejected: (): string[] => names.filter((name) => front.ejection(`api http://${name}`) !== undefined),
  };
}
