import { profileAnswer, profileWish } from '../../../shared/admin/profiles.ts';
import type { ProfileWish } from '../../../shared/admin/profiles.ts';
import type { Profiles } from '../../profiles/profiles.ts';
import { problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

const UNKNOWN = 'There is no such request thread; `threads` lists those there are.';
const BUSY = 'One is being made; there is one at a time.';
const FAILED = 'It could not be made; `detail` says why.';

async function take(profiles: Pick<Profiles, 'take'>, { kind, of, seconds }: ProfileWish): Promise<AdminAnswer> {
  const outcome = await profiles.take(of, { kind, forMs: seconds * 1_000 });
  switch (outcome.kind) {
    case 'taken':
      return {
        status: 200,
        type: 'application/json',
        body: outcome.text,
        audited: { characters: outcome.text.length },
      };
    case 'busy':
      return problem(409, 'profile_running', { detail: BUSY });
    case 'no-thread':
      return problem(404, 'unknown_thread', { detail: UNKNOWN, threads: outcome.slots });
    case 'failed':
      return problem(503, 'profile_failed', { detail: outcome.reason });
    default:
      return outcome satisfies never;
  }
}

/** What the threads of this node spend their time and memory on. */
export const profileOperations = (profiles: Pick<Profiles, 'take'>): readonly AnyOperation[] => [
  operation<ProfileWish>({
    method: 'POST',
    path: '/admin/profile',
    id: 'takeProfile',
    summary:
      'Takes a profile of a thread of this node, for at most 30 s: names of functions with times or bytes, nothing of any request. The thread goes on meanwhile.',
    longWork: true,
    body: profileWish,
    answer: profileAnswer,
    problems: { 404: UNKNOWN, 409: BUSY, 503: FAILED },
    handle: ({ body }) => take(profiles, body),
  }),
];
