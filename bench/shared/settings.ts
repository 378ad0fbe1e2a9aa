import type { SuiteOptions } from './suite.ts';

/** How a suite measures: what the command line says, else the suite's own, else the usual. */
export interface Settings {
  readonly connections: number;
  /** Seconds of one load run. */
  readonly seconds: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
}

const USUAL: Settings = { connections: 64, seconds: 6, rounds: 5, warmUpSeconds: 3 };
const MINIATURE: Settings = { connections: 8, seconds: 0.3, rounds: 1, warmUpSeconds: 0 };

/** `own` is what the suite wants other than usual; in miniature it is ignored. */
export function settingsOf(options: SuiteOptions, own: Partial<Settings> = {}): Settings {
  const base = options.miniature ? MINIATURE : { ...USUAL, ...own };
  return {
    connections: options.connections ?? base.connections,
    seconds: options.seconds ?? base.seconds,
    rounds: options.rounds ?? base.rounds,
    warmUpSeconds: base.warmUpSeconds,
  };
}
