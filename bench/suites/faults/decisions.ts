import { ask } from '../../shared/ask.ts';

/** Decisions about limits so far, by who made them: `store`, `cache`, `local` … */
export type Decisions = Readonly<Record<string, number>>;

/** One look at a gateway's metrics; `atMs` is of `performance.now()`. */
export interface DecisionLook {
  readonly atMs: number;
  readonly decisions: Decisions;
}

/** Sums `rate_limit_decisions_total` over rules and outcomes. */
export function parseDecisions(metrics: string): Decisions {
  const sums: Record<string, number> = {};
  for (const [, labels = '', value] of metrics.matchAll(/^rate_limit_decisions_total\{([^}]*)\} (\S+)/gm)) {
    const mode = /(?:^|,)mode="([^"]*)"/.exec(labels)?.[1];
    if (mode !== undefined) sums[mode] = (sums[mode] ?? 0) + Number(value);
  }
  return sums;
}

/** Decisions a second between each two looks, a line for each mode that was seen at all. */
export function decisionLines(
  looks: readonly DecisionLook[],
  startedMs: number,
): { name: string; points: [number, number][] }[] {
  const modes = new Set(looks.flatMap(({ decisions }) => Object.keys(decisions)));
  const lines = [...modes].map((name) => {
    const points = looks.slice(1).map((look, i): [number, number] => {
      const before = looks[i] ?? look;
      const made = (look.decisions[name] ?? 0) - (before.decisions[name] ?? 0);
      const seconds = Math.max(look.atMs - before.atMs, 1) / 1000;
      return [Math.max(0, look.atMs - startedMs) / 1000, Math.round(made / seconds)];
    });
    return { name, points };
  });
  return lines.filter(({ points }) => points.some(([, perSecond]) => perSecond > 0));
}

const EVERY_MS = 250;

/** Looks at a gateway's metrics four times a second, or as often as they are told, until it is ended. */
export class DecisionWatch {
  readonly #url: string;
  readonly #looks: DecisionLook[] = [];
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(adminPort: number) {
    this.#url = `http://127.0.0.1:${adminPort}/metrics`;
    this.#start();
    this.#timer = setInterval(() => this.#start(), EVERY_MS);
  }

  /** @throws Error when the admin port never answered 200 or lacks the metric: then there is nothing to tell */
  async end(): Promise<readonly DecisionLook[]> {
    clearInterval(this.#timer);
    await this.#looking;
    const last = this.#looks.at(-1);
    if (last === undefined || Object.keys(last.decisions).length === 0) {
      throw new Error(`${this.#url} does not tell who decides about limits`);
    }
    return this.#looks;
  }

  /** One look at a time: they may wait for Redis as well. */
  #start(): void {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
  }

  async #look(): Promise<void> {
    try {
      const { status, body } = await ask(this.#url, { method: 'GET' });
      if (status !== 200) return;
      this.#looks.push({ atMs: performance.now(), decisions: parseDecisions(body.toString('latin1')) });
    } catch {
      // the next look may find it; a gap in the chart is seen
    }
  }
}
