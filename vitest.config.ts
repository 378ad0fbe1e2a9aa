import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** What takes more than 40 s beside others, the longest first, so that none of it is left alone at the end. */
const LONGEST = [
  'bench/suites/suites.test.ts',
  'test/lifecycle/rolling-proxies.test.ts',
  'test/backups-cli/target.test.ts',
  'test/fronts/closing.test.ts',
  'test/backups/make-backup.test.ts',
  'test/lifecycle/drain-delay.test.ts',
  'test/fronts/isolation.test.ts',
  'test/jobs/redis-faults.test.ts',
  'test/backups-cli/document.test.ts',
  'test/backups-cli/store.test.ts',
  'test/backups-cli/data-dir.test.ts',
  'test/backups-cli/damaged.test.ts',
  'test/admin/limits-override.test.ts',
  'test/backups/killed.test.ts',
  'test/health/alone.test.ts',
  'test/limits/audit.test.ts',
  'test/health/shared.test.ts',
  'test/fronts/real-clients.test.ts',
  'test/jobs/schedule.contract.test.ts',
  'test/health/jobs.test.ts',
  'test/backups-cli/sources.test.ts',
  'test/backups-cli/full-circle.test.ts',
  'test/forwarding/streams.test.ts',
  'test/fronts/requests.test.ts',
  'bench/main.test.ts',
  'test/breaker-gateway/runbook.test.ts',
];

/** Each has some hundred megabytes, and what it starts as much again. */
const MOST_WORKERS = 16;

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
    // A test that starts real processes waits for half of its time: with two a core both of two cores are just busy, and
    // on a slow machine nobody waits for long.
    maxWorkers: Math.min(2 * availableParallelism(), MOST_WORKERS),
    sequence: { sequencer: LongestFirst },
    // Only a test that fails takes so long: what must happen is waited for, whatever else the machine does.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
