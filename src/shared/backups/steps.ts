/** What a backup does, in this order. Fixed: metrics and alerts name them. */
export const BACKUP_STEPS = [
  'prepare',
  'snapshot',
  'files',
  'pack',
  'store',
  'read back',
  'verify',
  'manifest',
  'prune',
] as const;
export type BackupStep = (typeof BACKUP_STEPS)[number];

export interface StepProgress {
  readonly step: BackupStep;
  readonly doneBytes?: number;
  /** `undefined` = not known. */
  readonly totalBytes?: number | undefined;
}

/** What a backup failed in, and why. */
export class StepFailure extends Error {
  readonly step: BackupStep;

  constructor(step: BackupStep, cause: unknown) {
    super(`${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
  }
}

/** Says where a backup is, and in which step it failed. */
export class Steps {
  #step: BackupStep = 'prepare';
  readonly #report: (progress: StepProgress) => void;
  readonly #signal: AbortSignal;

  constructor(report: (progress: StepProgress) => void, signal: AbortSignal) {
    this.#report = report;
    this.#signal = signal;
  }

  /** @throws {Error} when the work is no longer wanted */
  begin(step: BackupStep): void {
    this.#signal.throwIfAborted();
    this.#step = step;
    this.#report({ step });
  }

  readonly bytes = (doneBytes: number, totalBytes?: number): void =>
    this.#report({ step: this.#step, doneBytes, totalBytes });

  failure(error: unknown): StepFailure {
    if (error instanceof StepFailure) return error;
    // What was interrupted says only that it was, each part in other words.
    return new StepFailure(this.#step, this.#signal.aborted ? this.#signal.reason : error);
  }
}
