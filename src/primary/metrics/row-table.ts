import type { Config } from '../../shared/config/types.ts';
import { ruleLabel } from '../../shared/limits/rule.ts';
import {
  NO_ROUTE_NAME,
  NO_ROUTE_ROW,
  OTHER_NAME,
  OTHER_ROW,
  PREFLIGHT_NAME,
  PREFLIGHT_ROW,
  PROBE_NAME,
  PROBE_ROW,
  ROWS,
} from '../../shared/metrics/layout.ts';
import type { MetricRows, RowKind } from '../../shared/metrics/layout.ts';

const FIRST_FREE = 4;

/**
 * Which row of the shared memory belongs to which name. A name keeps its row as long as the process lives, so that a
 * route that a reload takes away and a later one brings back goes on counting; names beyond the rows share `(other)`.
 */
export class MetricRowTable {
  readonly #rows: Record<RowKind, Map<string, number>> = {
    route: reserved({
      [NO_ROUTE_NAME]: NO_ROUTE_ROW,
      [PROBE_NAME]: PROBE_ROW,
      [PREFLIGHT_NAME]: PREFLIGHT_ROW,
    }),
    upstream: reserved(),
    rule: reserved(),
  };
  /** Kinds with names that have no row of their own. */
  readonly #full = new Set<RowKind>();

  /** Gives every name of a configuration its row. */
  assign(config: Config): MetricRows {
    for (const { name, limits, profileLimits, websocket } of config.routes) {
      this.#add('route', name);
      const all = [limits, ...profileLimits.map((each) => each.limits), websocket?.messageLimits];
      const rules = all.flatMap((each) => each?.rules ?? []);
      for (const rule of rules) this.#add('rule', ruleLabel(rule));
    }
    for (const { name } of config.upstreams) this.#add('upstream', name);
    return {
      route: Object.fromEntries(this.#rows.route),
      upstream: Object.fromEntries(this.#rows.upstream),
      rule: Object.fromEntries(this.#rows.rule),
    };
  }

  /** Every name that has or had a row of its own, `(other)` included. */
  named(kind: RowKind): ReadonlyMap<string, number> {
    return this.#rows[kind];
  }

  /** Names share `(other)`, now or before. */
  hasOthers(kind: RowKind): boolean {
    return this.#full.has(kind);
  }

  #add(kind: RowKind, name: string): void {
    const rows = this.#rows[kind];
    // The reserved rows count for every kind, whether it uses their names or not.
    const next = kind === 'route' ? rows.size : rows.size + FIRST_FREE - 1;
    if (rows.has(name)) return;
    if (next < ROWS[kind]) rows.set(name, next);
    else this.#full.add(kind);
  }
}

const reserved = (names: Readonly<Record<string, number>> = {}): Map<string, number> =>
  new Map([[OTHER_NAME, OTHER_ROW], ...Object.entries(names)]);
