import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { profileAnswer } from '../../shared/admin/profiles.ts';
import type { ProfileAnswer, ProfileWish } from '../../shared/admin/profiles.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { bytes } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

export interface ProfileOptions {
  readonly wish: ProfileWish;
  /** A file; `-` is stdout. */
  readonly to: string | undefined;
}

/** A thread that is busy takes a while to begin and to end. */
const MARGIN_MS = 20_000;

/** Of a heap profile without a sample. */
const NOTHING_GROWS =
  'It is empty: nothing that was allocated meanwhile is still in use. A longer --seconds finds what grows slowly.';

/** Such as `gateway-front-20261127T080000Z.heapprofile`. */
function nameOf({ of, kind }: ProfileWish): string {
  const at = new Date(wallClockMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `gateway-${of === 'front' ? of : `thread-${of}`}-${at}.${kind}profile`;
}

/** `gateway profile`: a profile of a running gateway, as a file that Chrome's DevTools open; writes over nothing. */
export async function profile(context: AskContext, { wish, to = nameOf(wish) }: ProfileOptions): Promise<number> {
  const { io, client } = context;
  const whose = wish.of === 'front' ? 'the front' : `thread ${wish.of}`;
  io.err(`looking at ${whose} for ${wish.seconds} s ...`);
  const { json } = await client.call({
    method: 'POST',
    path: '/admin/profile',
    body: wish,
    workMs: wish.seconds * 1_000 + MARGIN_MS,
    answer: profileAnswer,
  });
  const text = JSON.stringify(json);
  if (to === '-') {
    io.out(text);
    return EXIT.ok;
  }
  const file = resolve(to);
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    throw new CommandFailure(
      EXIT.negative,
      `${file} cannot be written (${reasonOf(error)}); --out names another, - is stdout.`,
    );
  });
  const isEmpty = (json as ProfileAnswer).samples.length === 0;
  const panel = wish.kind === 'cpu' ? 'Performance' : 'Memory';
  show(context, { file, bytes: text.length, ...wish }, [
    [span(`${file}  ${bytes(text.length)}`)],
    [span(isEmpty ? NOTHING_GROWS : `To see it: the ${panel} panel of Chrome's DevTools, "Load profile".`)],
  ]);
  return EXIT.ok;
}
