import { rounded } from '../../shared/figures.ts';
import { summarize } from '../../shared/statistics.ts';

const LEAST_ROUNDS = 2;

/** Resident bytes of one process in one round. */
export interface IdleRound {
  /** With its sockets, less before. */
  readonly grownBytes: number;
  /** From one look to the next before there were any. */
  readonly movedBytes: number;
}

export interface IdleFigure {
  /** Bytes for each socket, one a round. */
  readonly samples: readonly number[];
  /** What the figure moves by without any socket, or from round to round, whichever is more; bytes for each socket. */
  readonly noise: number;
  /** Why it says nothing. */
  readonly refused: string | undefined;
}

/** What each of so many sockets takes; refused where the noise is as large as the figure itself, or nobody knows how large it is. */
export function idleFigure(rounds: readonly IdleRound[], sockets: number): IdleFigure {
  const grown = summarize(rounds.map(({ grownBytes }) => grownBytes));
  if (grown === undefined) return { samples: [], noise: 0, refused: 'no round' };
  const noiseBytes = Math.max(grown.max - grown.min, ...rounds.map(({ movedBytes }) => Math.abs(movedBytes)));
  const [figure, noise] = [Math.round(grown.median / sockets), Math.round(noiseBytes / sockets)];
  const refused =
    rounds.length < LEAST_ROUNDS
      ? 'a single round does not say what a figure moves by from round to round'
      : grown.median <= noiseBytes
        ? `${figure} B for each is within the noise of ${noise} B`
        : undefined;
  return { samples: rounds.map(({ grownBytes }) => rounded(grownBytes / sockets)), noise, refused };
}
