import { setTimeout as wait } from 'node:timers/promises';

const LOOK_EVERY_MS = 250;
/** A pause of a busy machine can cost one look or two, not so many in a row. */
const SILENT_LOOKS = 4;

/**
 * Resolves when somebody has not answered for a second; at once when `ended` is aborted.
 *
 * @param ask a question that is answered while he is well; asked four times a second
 */
export async function untilSilent(ask: () => Promise<unknown>, ended: AbortSignal): Promise<void> {
  let answers = 0;
  const onAnswer = (): void => void answers++;
  for (let silent = 0; silent < SILENT_LOOKS && !ended.aborted;) {
    const before = answers;
    ask().then(onAnswer, () => {});
    await wait(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => {});
    silent = answers === before ? silent + 1 : 0;
  }
}
