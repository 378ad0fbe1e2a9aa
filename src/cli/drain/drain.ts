import { drainAnswer } from '../../shared/admin/operations.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

/** `gateway drain` */
export async function drain(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ method: 'POST', path: '/admin/drain', answer: drainAnswer });
  const { delaySeconds, deadlineSeconds } = value;
  const still = delaySeconds > 0 ? `still serves for ${duration(delaySeconds)}, then ` : '';
  const ends = `takes no new requests and ends when those in flight are done, at the latest in ${duration(deadlineSeconds)}`;
  show(context, json, [[span(`The gateway ${still}${ends}.`)]]);
  return EXIT.ok;
}
