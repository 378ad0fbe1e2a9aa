import { getHeapStatistics } from 'node:v8';
import type { PageProblem } from '../../shared/admin/page.ts';
import type { NodesAnswer, StatusAnswer } from '../../shared/admin/status.ts';
import type { NodeVitals } from '../../shared/admin/vitals.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { THREAD } from '../../shared/metrics/layout.ts';
import { commonDigest } from '../metrics/config-metrics.ts';
import type { ConfigFacts } from '../metrics/config-metrics.ts';
import { LoopUtilization } from '../metrics/loop-utilization.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';
import { History } from './history.ts';
import { findings, isSame, otherNodes, ProblemClock, shownProblem } from './problems.ts';
import type { Finding } from './problems.ts';
import { StateClock } from './state-clock.ts';
import { Standing } from './standing.ts';
import type { OnStep } from './history.ts';
import { Totals } from './totals.ts';

const EVERY_MS = 1_000;
/** Of which errors are a problem. */
const RECENT_SECONDS = 60;
const MOST_REASONS = 3;
const LONGEST_REASON = 300;

/** What of the front is watched. */
export interface Watched {
  readonly node: string;
  readonly memory: MetricMemory;
  /** Its loops are asked by nobody else. */
  readonly status: () => StatusAnswer;
  readonly active: () => Pick<ConfigFacts, 'version' | 'config'>;
  /** Is told each step of the history that is over. */
  readonly onStep?: OnStep;
  /** Runs once a second, after the steps. */
  readonly onSecond?: () => void;
}

export interface Judged {
  readonly problems: readonly PageProblem[];
  readonly okSince: string | null;
}

/** What the operator's page needs from before anybody looks: an hour of numbers, and since when things are as they are. */
export class PageWatch {
  readonly history: History;
  /** Rates of it are since a page last looked. */
  readonly standing: Standing;
  readonly #watched: Watched;
  readonly #totals = new Totals();
  readonly #problems = new ProblemClock(wallClockMs());
  readonly #breakers = new StateClock();
  readonly #frontLoop = new LoopUtilization();
  readonly #timer: NodeJS.Timeout;
  #status: StatusAnswer;
  #found: readonly Finding[] = [];
  #loop = 0;
  #digest: { readonly version: number; readonly value: number } | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.history = new History(wallClockMs(), watched.onStep);
    this.standing = new Standing(watched.memory);
    this.#totals.read(watched.memory);
    this.history.begin(this.#totals);
    this.#status = watched.status();
    this.#timer = setInterval(() => this.#second(), EVERY_MS).unref();
  }

  /** As it is now. */
  status(): StatusAnswer {
    this.#look();
    return this.#status;
  }

  /** Share of the time that the front's loop is busy. */
  get frontLoop(): number {
    return this.#loop;
  }

  /** Since when each breaker has been in its state, by the name of its upstream. */
  breakerSince(): Readonly<Record<string, string>> {
    return this.#breakers.since();
  }

  /** What is wrong, here and on other nodes; call `status` before. */
  judge(nodes: NodesAnswer): Judged {
    const { node } = this.#watched;
    const nowMs = wallClockMs();
    const own = this.#found;
    const since = this.#problems.look(own, nowMs);
    const okSinceMs = this.#problems.okSinceMs;
    const problems = [
      ...own.map((found, i) => shownProblem(found, node, since[i])),
      // What holds for the whole cluster is said once.
      ...otherNodes(nodes)
        .filter((found) => !own.some((each) => isSame(each, found)))
        .map(({ node: other, ...found }) => shownProblem(found, other, undefined)),
    ].sort((a, b) => rank(a) - rank(b) || (timeOf(a) < timeOf(b) ? -1 : 1));
    const isWell = problems.length === 0 && okSinceMs !== undefined;
    return { problems, okSince: isWell ? new Date(okSinceMs).toISOString() : null };
  }

  /** What this node says of itself to the others. */
  vitals(): NodeVitals {
    const last = this.history.last();
    const { verdict, threads, threadRestarts } = this.#status;
    const time = (column: 'p50' | 'p95' | 'p99'): number | null => {
      return last?.[column] ?? null;
    };
    const rate = (column: 'requests' | 'errors5xx' | 'refused429'): number =>
      Math.round((last?.[column] ?? 0) * 10) / 10;
    return {
      verdict,
      reasons: this.#found.slice(0, MOST_REASONS).map(({ text }) => text.slice(0, LONGEST_REASON)),
      requests: rate('requests'),
      errors5xx: rate('errors5xx'),
      refused429: rate('refused429'),
      p50: time('p50'),
      p95: time('p95'),
      p99: time('p99'),
      inFlight: threads.reduce((sum, { inFlight }) => sum + inFlight, 0),
      openConnections: threads.reduce((sum, { openConnections }) => sum + openConnections, 0),
      threadsServing: threads.filter(({ state }) => state === 'serving').length,
      threadRestarts,
      loop: Math.max(this.#loop, ...threads.map(({ loopUtilisation }) => loopUtilisation)),
      // process.memoryUsage() would ask the system for more than that.
      heapBytes:
        getHeapStatistics().used_heap_size + this.threadHeaps().reduce((sum, { heapBytes }) => sum + heapBytes, 0),
      configDigest: this.#configDigest(),
    };
  }

  threadHeaps(): readonly { readonly slot: number; readonly heapBytes: number }[] {
    return this.#watched.memory.blocks
      .map((block, slot) => ({ slot, heapBytes: block[THREAD.heapUsedBytes] ?? 0 }))
      .filter(({ heapBytes }) => heapBytes > 0);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #second(): void {
    const { memory } = this.#watched;
    this.#look();
    this.#loop = this.#frontLoop.read([]).front;
    const { threads } = this.#status;
    this.#totals.read(memory);
    this.history.add(
      this.#totals,
      {
        inFlight: threads.reduce((sum, { inFlight }) => sum + inFlight, 0),
        connections: threads.reduce((sum, { openConnections }) => sum + openConnections, 0),
        loop: this.#loop,
      },
      wallClockMs(),
    );
    this.#watched.onSecond?.();
  }

  #look(): void {
    const nowMs = wallClockMs();
    this.#status = this.#watched.status();
    this.#found = findings(this.#status, {
      requests: this.history.sum('requests', RECENT_SECONDS),
      errors5xx: this.history.sum('errors5xx', RECENT_SECONDS),
    });
    this.#problems.look(this.#found, nowMs);
    this.#breakers.look(this.#status.breakers, nowMs);
  }

  #configDigest(): number {
    const { version, config } = this.#watched.active();
    if (this.#digest?.version !== version) this.#digest = { version, value: commonDigest(config) };
    return this.#digest.value;
  }
}

/** ISO 8601 sorts as text; other nodes do not say since when, so they come last. */
const timeOf = ({ since }: PageProblem): string => since ?? '~';

const rank = ({ severity }: PageProblem): number => (severity === 'bad' ? 0 : 1);
