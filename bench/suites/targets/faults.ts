import { setTimeout as delay } from 'node:timers/promises';
import { SLOWED } from './protocol.ts';
import type { Target } from './target.ts';

/** What becomes of one of the targets. */
export interface TargetFault {
  readonly title: string;
  /** What the gateway promises: requests that fail at most; undefined = nothing. */
  readonly mostFailed: (retries: number, underWay: number) => number | undefined;
  /** What the gateway promises: times slower at most are all answers together, once it has found out; undefined = nothing. */
  readonly mostTimesSlower?: number;
  /** Resolves when all of it has happened, with how many requests were under way on the target when it began. */
  strike(target: Target): Promise<number>;
}

/** Failures in a row that eject a target of the gateway. */
const CONSECUTIVE = 5;
/** A failure that is told at once: one repeat makes up for it. */
const told = (retries: number, underWay: number): number => (retries > 0 ? 0 : CONSECUTIVE + underWay);

/** How long one that is restarted is away, beside what a start takes. */
const AWAY_MS = 1_000;

export const FAULTS: readonly TargetFault[] = [
  {
    title: 'killed',
    mostFailed: told,
    async strike(target) {
      const underWay = await target.behave('well');
      await target.kill();
      return underWay;
    },
  },
  { title: 'answers 503', mostFailed: told, strike: (target) => target.behave('503') },
  { title: 'resets', mostFailed: told, strike: (target) => target.behave('reset') },
  {
    title: 'restarted',
    mostFailed: told,
    async strike(target) {
      const underWay = await target.behave('well');
      await target.kill();
      await delay(AWAY_MS);
      await target.start();
      return underWay;
    },
  },
  {
    title: 'black-holed',
    mostFailed: () => undefined,
    async strike(target) {
      const underWay = await target.behave('well');
      target.freeze();
      return underWay;
    },
  },
  {
    title: `slowed x${SLOWED}`,
    mostFailed: () => 0,
    mostTimesSlower: 2,
    strike: (target) => target.behave('slow'),
  },
];
