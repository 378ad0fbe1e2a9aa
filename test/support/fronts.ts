import { describe, inject } from 'vitest';
import type { FrontKind } from '../../src/shared/config/types.ts';
import type { TestFront } from './gateway.ts';

/** The fronts that run on this machine and Node (test/support/look-for-fronts.ts looks once a run and says what it misses). */
export const FRONTS: readonly FrontKind[] = inject('fronts');

/** A suite that every front has to pass, also the public way; where one is known not to, see test/fronts/differences.ts. */
export function describeFronts(name: string, suite: (front: TestFront) => void): void {
  describe.each<TestFront>([...FRONTS, 'public'])(`${name} (%s)`, (front) => {
    suite(front);
  });
}

/** For drills of threads: the public way has one thread where Node cannot share a port. */
export function describeThreadedFronts(name: string, suite: (front: FrontKind) => void): void {
  describe.each(FRONTS)(`${name} (%s)`, (front) => {
    suite(front);
  });
}
