import { monotonicMs, wallClockMs } from '../../shared/clock.ts';
import type { ProbeCause, ProbeFinding } from '../../shared/health/messages.ts';
import type { JobResult, JobRun } from '../jobs/job.ts';
import type { HealthBook, ProbedTarget } from './health-book.ts';
import type { HealthHash, HealthSnapshot } from './health-hash.ts';
import type { Prober } from './prober.ts';
import { judge } from './verdict.ts';
import type { TargetVerdict } from './verdict.ts';

/** How often what was found is judged anew because another node has written meanwhile. */
const ATTEMPTS = 3;

export interface SweepsOptions {
  readonly book: HealthBook;
  readonly prober: Pick<Prober, 'sweep'>;
  /** `undefined`: there is no Redis. */
  readonly hash: HealthHash | undefined;
  /** Name of this node. */
  readonly node: string;
  /** Unique among processes. */
  readonly self: string;
  readonly count: (cause: ProbeCause) => void;
  /** These targets have been probed. */
  readonly onRound: (targets: readonly ProbedTarget[]) => void;
}

interface Found {
  readonly target: ProbedTarget;
  readonly finding: ProbeFinding;
}

/** Sweeps of this node, one at a time: for all nodes, or for itself where nobody does it for all. */
export class Sweeps {
  readonly #options: SweepsOptions;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /**
   * One slot of the whole cluster: probes what is due, and writes what was found to Redis. Without Redis it is for this
   * node alone.
   * @throws {Error} when the probes could not be made
   */
  forCluster(run: JobRun, slotMs: number): Promise<JobResult> {
    return this.#inTurn(async () => {
      const before = await this.#options.hash?.read();
      if (before === undefined) {
        const targets = [...this.#options.book.all].filter((target) => isDueHere(target, slotMs));
        return summaryOf(this.#takeHere(await this.#probe(targets)), 'this node alone');
      }
      if (before.slotMs >= run.slotMs) return DONE_BEFORE;
      const found = await this.#probe([...this.#options.book.all].filter((target) => isDue(target, before, slotMs)));
      run.signal.throwIfAborted(); // another node has taken over
      return await this.#share(run, found, before);
    });
  }

  /** Probes the targets that `isDue` names and whose interval is over. Never rejects, and does nothing while a sweep is under way. */
  async forSelf(what: { readonly isDue: (target: ProbedTarget) => boolean; readonly slotMs: number }): Promise<void> {
    if (this.#running > 0) return;
    const targets = [...this.#options.book.all].filter(
      (target) => what.isDue(target) && isDueHere(target, what.slotMs),
    );
    if (targets.length === 0) return;
    // The prober has said in the log what failed.
    await this.#inTurn(async () => this.#takeHere(await this.#probe(targets))).catch(() => undefined);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    const next = this.#last.then(work).finally(() => this.#running--);
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #probe(targets: readonly ProbedTarget[]): Promise<readonly Found[]> {
    if (targets.length === 0) return [];
    const findings = await this.#options.prober.sweep(targets.map(({ order }) => order));
    return targets.flatMap((target, i) => {
      const finding = findings[i];
      if (finding === undefined) return [];
      this.#options.count(finding.cause);
      return [{ target, finding }];
    });
  }

  /** Verdicts of this node, which go on from what it knows. */
  #takeHere(found: readonly Found[]): readonly Found[] {
    const { book, node, onRound } = this.#options;
    const checkedMs = monotonicMs();
    for (const { target, finding } of found) {
      const verdict = judge(target.verdict, finding, { rule: target.health, nowMs: wallClockMs() });
      if (isCurrent(book, target)) book.take(target, { verdict, source: 'node', by: node, checkedMs });
    }
    onRound(found.map(({ target }) => target));
    return found;
  }

  async #share(run: JobRun, found: readonly Found[], first: HealthSnapshot): Promise<JobResult> {
    const { hash, node, self } = this.#options;
    const readMs = monotonicMs();
    let before = first;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const nowMs = before.nowMs + Math.round(attempt === 1 ? monotonicMs() - readMs : 0);
      const targets = judgedFrom(before, found, nowMs);
      const written = await hash?.write(before, { slotMs: run.slotMs, by: node, from: self, targets });
      if (written === 'written') {
        this.#takeShared(before, targets, nowMs);
        return summaryOf(found, node);
      }
      const again = written === undefined ? undefined : await hash?.read();
      if (again === undefined) break;
      if (again.slotMs >= run.slotMs) return DONE_BEFORE;
      before = again;
    }
    return summaryOf(this.#takeHere(found), 'this node alone'); // Redis has gone meanwhile
  }

  #takeShared(before: HealthSnapshot, written: ReadonlyMap<string, TargetVerdict>, nowMs: number): void {
    const { book, node, onRound } = this.#options;
    const targets = new Map(before.targets);
    for (const [key, verdict] of written) targets.set(key, { ...verdict, by: node });
    onRound(book.takeShared({ ...before, nowMs, targets }, monotonicMs()));
  }
}

/** Verdicts that go on from what all nodes share. */
function judgedFrom(before: HealthSnapshot, found: readonly Found[], nowMs: number): Map<string, TargetVerdict> {
  const verdicts = new Map<string, TargetVerdict>();
  for (const { target, finding } of found) {
    const known = before.targets.get(target.key);
    const verdict = judge(known, finding, { rule: target.health, nowMs });
    if (verdict !== undefined && verdict !== known) verdicts.set(target.key, verdict);
  }
  return verdicts;
}

/** A reload may have taken it away, or made another of it. */
const isCurrent = (book: HealthBook, target: ProbedTarget): boolean => book.get(target.key) === target;

/** Half a slot early is in time: the slots are where they are. */
const isDue = ({ key, health }: ProbedTarget, { nowMs, targets }: HealthSnapshot, slotMs: number): boolean =>
  nowMs - (targets.get(key)?.checkedMs ?? -Infinity) >= health.intervalMs - slotMs / 2;

const isDueHere = ({ checkedMs, health }: ProbedTarget, slotMs: number): boolean =>
  monotonicMs() - checkedMs >= health.intervalMs - slotMs / 2;

const DONE_BEFORE: JobResult = { summary: 'another node has made this sweep, or a later one', details: {} };

function summaryOf(found: readonly Found[], by: string): JobResult {
  const bad = found.filter(({ finding }) => finding.cause !== 'ok').length;
  return {
    summary: `${found.length} ${found.length === 1 ? 'target' : 'targets'} probed by ${by}, ${bad} without a good answer`,
    details: { probed: found.length, bad },
  };
}
