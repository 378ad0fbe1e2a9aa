import { BACKUP_KINDS } from '../../shared/backups/manifest.ts';
import type { BackupKind } from '../../shared/backups/manifest.ts';
import type { ListedBackup } from '../../shared/backups/catalog.ts';
import type { BackupStep } from '../../shared/backups/steps.ts';

export interface KindNumbers {
  /** Of the newest backup. Seconds since 1970. */
  readonly successSeconds: number;
  /** Of the newest that is proved; `undefined`: none is. */
  readonly verifiedSeconds: number | undefined;
  /** Why the newest is only stored; `undefined`: it is proved. */
  readonly unverified: string | undefined;
  readonly bytes: number;
}

/** What the metrics say of backups: what lies in the store, and what this node did. */
export class BackupNumbers {
  #ofStore: ReadonlyMap<BackupKind, KindNumbers> = new Map();
  /** Of the last run of this node that did not fail, in seconds. */
  readonly durations = new Map<BackupKind, number>();
  readonly failures = new Map<BackupStep, number>();

  get ofStore(): ReadonlyMap<BackupKind, KindNumbers> {
    return this.#ofStore;
  }

  /** @param backups of the store, the newest first */
  read(backups: readonly ListedBackup[]): void {
    const numbers = new Map<BackupKind, KindNumbers>();
    for (const kind of BACKUP_KINDS) {
      const ofKind = backups.filter(({ manifest }) => manifest.kind === kind);
      const [newest] = ofKind;
      if (newest === undefined) continue;
      const verified = ofKind.map(({ manifest }) => manifest.verification).find(({ result }) => result === 'verified');
      numbers.set(kind, {
        successSeconds: Date.parse(newest.manifest.finished) / 1000,
        verifiedSeconds: verified?.result === 'verified' ? Date.parse(verified.at) / 1000 : undefined,
        unverified: reasonOf(newest),
        bytes: newest.bytes,
      });
    }
    this.#ofStore = numbers;
  }

  /** What an operator should know, a line for each kind. */
  get warnings(): readonly string[] {
    return [...this.#ofStore].flatMap(([kind, { unverified }]) =>
      unverified === undefined ? [] : [`the newest ${kind} backup is stored, but not verified: ${unverified}`],
    );
  }

  failed(step: BackupStep): void {
    this.failures.set(step, (this.failures.get(step) ?? 0) + 1);
  }
}

function reasonOf({ manifest: { verification } }: ListedBackup): string | undefined {
  return verification.result === 'stored' ? verification.reason : undefined;
}
