import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** What takes longest, so that none of it is left alone at the end; the order of the rest matters little. */
const LONGEST = [
  'bench/suites/suites.test.ts',
  'test/lifecycle/rolling-proxies.test.ts',
  'test/fronts/closing.test.ts',
  'test/breaker-gateway/runbook.test.ts',
  'test/fronts/real-clients.test.ts',
  'test/fronts/isolation.test.ts',
  'test/admin/limits-override.test.ts',
  'test/breaker/override.test.ts',
  'test/breaker/cluster.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(import.meta.dirname, moduleId));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/look-for-fronts.ts'],
    // The files of a worker share what they import: loading it anew for each took more processor time than most tests.
    isolate: false,
    // Two cores: a test that starts real processes waits half of its time.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // Only a test that fails takes so long: what must happen is waited for, whatever else the machine does.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
