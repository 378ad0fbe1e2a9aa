/** What one subject did in one round, counted from 1. */
export interface InRound<S, T> {
  readonly subject: S;
  readonly round: number;
  readonly value: T;
}

export interface Rounds<S, T> {
  readonly rounds: number;
  readonly subjects: readonly S[];
  /** Before the first round, once for each subject. */
  readonly warmUp: (subject: S) => Promise<unknown>;
  readonly run: (subject: S, round: number) => Promise<T>;
}

/** Rounds A B C, A B C …: whatever changes on the machine meanwhile meets all subjects alike. */
export async function alternate<S, T>({ rounds, subjects, warmUp, run }: Rounds<S, T>): Promise<InRound<S, T>[]> {
  for (const subject of subjects) await warmUp(subject);
  const seen: InRound<S, T>[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) seen.push({ subject, round, value: await run(subject, round) });
  }
  return seen;
}
