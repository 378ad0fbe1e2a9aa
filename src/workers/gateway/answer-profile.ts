import type { ProfileMessage, ProfileReply } from '../../shared/profile/order.ts';
import { profileHere } from '../../shared/profile/profile-here.ts';

/** Profiles this thread, as it was told. Nothing of it can fail the thread. */
export async function answerProfile({ reply, ...order }: ProfileMessage): Promise<void> {
  const answer = await profileHere(order).then(
    (text): ProfileReply => ({ kind: 'taken', text }),
    (error: unknown): ProfileReply => ({
      kind: 'failed',
      reason: error instanceof Error ? error.message : String(error),
    }),
  );
  reply.postMessage(answer);
  reply.close();
}
