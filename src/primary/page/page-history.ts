import { CHART_STEPS } from '../../shared/admin/page.ts';
import type { ChartMinutes, PageAnswer } from '../../shared/admin/page.ts';
import { wallClockMs } from '../../shared/clock.ts';
import type { ClusterHistory, StepsOf } from './cluster-history.ts';
import type { History } from './history.ts';
import { ChartRows } from './steps.ts';
import type { Step, StepSize } from './steps.ts';

/** What other nodes have counted is in Redis after so long: a second until it is over, two until it is sent. */
const UNTIL_SENT_SECONDS = 4;

/** Kinds of charts whose rows are kept: each of three, of all nodes and of some. */
const MOST_CHARTS = 12;

/** What of the charts somebody wants to see. */
export interface ChartWish {
  readonly minutes: ChartMinutes;
  /** `undefined`: of all nodes. */
  readonly of?: string | undefined;
}

export interface PageHistoryParts {
  readonly history: Pick<History, 'at' | 'second'>;
  readonly node: string;
  /** `undefined`: there is no Redis. */
  readonly cluster: Pick<ClusterHistory, 'read'> | undefined;
}

type Answer = PageAnswer['history'];

/** The charts' numbers: of the whole cluster, of one node, or of this one alone where Redis cannot be asked. */
export class PageHistory {
  readonly #parts: PageHistoryParts;
  /** Of the nodes that were asked for last, by the size of their steps and whose they are. */
  readonly #rows = new Map<string, ChartRows>();

  constructor(parts: PageHistoryParts) {
    this.#parts = parts;
  }

  async answer({ minutes, of }: ChartWish): Promise<Answer> {
    const { history, node, cluster } = this.#parts;
    const size = CHART_STEPS[minutes];
    const nowSecond = Math.floor(wallClockMs() / 1000);
    const shared = startsUntil(floorTo(nowSecond - UNTIL_SENT_SECONDS, size) - size, { size, minutes });
    const found = await cluster?.read(size, shared);
    const nodes = [...new Set([node, ...(found?.keys() ?? [])])].toSorted();
    const isAlone = found === undefined || (nodes.length === 1 && of === undefined);
    // Of this node alone also the step that lasts is known, and what it counted before it was started anew.
    const starts = isAlone ? startsUntil(floorTo(history.second, size), { size, minutes }) : shared;
    const own = (at: number): Step | undefined => history.at(size, at) ?? found?.get(node)?.get(at);
    const chosen = isAlone ? [node] : of === undefined ? nodes : [of];
    const stepsAt = (at: number): readonly Step[] =>
      chosen.flatMap((name) => (name === node ? own(at) : stepOf(found, name, at)) ?? []);
    return {
      scope: found === undefined ? 'node' : 'cluster',
      of: found === undefined ? null : (of ?? null),
      nodes,
      reason: cluster === undefined || found !== undefined ? '' : 'Redis does not answer',
      minutes,
      stepSeconds: size,
      endAt: new Date((starts.at(-1) ?? 0) * 1000).toISOString(),
      ...this.#rowsOf(`${size} ${of ?? ''}`).series(starts, stepsAt),
    };
  }

  #rowsOf(key: string): ChartRows {
    let rows = this.#rows.get(key);
    if (rows === undefined) {
      if (this.#rows.size >= MOST_CHARTS) this.#rows.clear();
      this.#rows.set(key, (rows = new ChartRows()));
    }
    return rows;
  }
}

const stepOf = (found: StepsOf | undefined, name: string, at: number): Step | undefined => found?.get(name)?.get(at);

const floorTo = (second: number, size: StepSize): number => second - (second % size);

/** Begins of as many steps as the chart shows, up to this one. */
const startsUntil = (
  last: number,
  { size, minutes }: { readonly size: StepSize; readonly minutes: number },
): readonly number[] => {
  const count = (minutes * 60) / size;
  return Array.from({ length: count }, (_, i) => last - (count - 1 - i) * size);
};
