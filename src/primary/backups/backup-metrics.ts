import { BACKUP_STEPS } from '../../shared/backups/steps.ts';
import { counter, gauge } from '../metrics/definition.ts';
import type { MetricDefinition, Sample } from '../metrics/definition.ts';
import type { BackupNumbers, KindNumbers } from './backup-numbers.ts';

/** Where backups are made. Times come from the store, so a restart does not lose them and every node has the same. */
export function backupMetrics(numbers: BackupNumbers): MetricDefinition[] {
  const ofKind = (value: (of: KindNumbers) => number | undefined) => (): Sample[] =>
    [...numbers.ofStore].flatMap(([kind, of]) => {
      const known = value(of);
      return known === undefined ? [] : [{ labels: { kind }, value: known }];
    });
  return [
    gauge(
      'backup_last_success_timestamp_seconds',
      'When the newest backup in the store was finished; absent while there is none, or the store does not answer.',
      ofKind(({ successSeconds }) => successSeconds),
    ),
    gauge(
      'backup_last_verified_timestamp_seconds',
      'When the newest backup that was restored on trial was found good.',
      ofKind(({ verifiedSeconds }) => verifiedSeconds),
    ),
    gauge(
      'backup_size_bytes',
      'Bytes of the newest backup as stored.',
      ofKind(({ bytes }) => bytes),
    ),
    gauge('backup_duration_seconds', 'What the last backup that this node made took.', () =>
      [...numbers.durations].map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    counter('backup_failures_total', 'Attempts of this node that failed, by the step they failed in.', () =>
      BACKUP_STEPS.map((step) => ({ labels: { step }, value: numbers.failures.get(step) ?? 0 })),
    ),
  ];
}
