import { reloadAnswer } from '../../shared/admin/operations.ts';
import { EXIT } from '../exit-codes.ts';
import { printable, span } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

/** A reload may replace all threads, one after another, and each may take seconds to start. */
const RELOAD_TIMEOUT_MS = 120_000;

/** `gateway reload`: asks a running gateway to read its configuration again. */
export async function reload(context: AskContext): Promise<number> {
  const { io, client } = context;
  const { value, json } = await client.call({
    method: 'POST',
    path: '/admin/reload',
    workMs: RELOAD_TIMEOUT_MS,
    answer: reloadAnswer,
  });
  const { version, needsRestart, complete, redisRefuses } = value;
  show(context, json, [[span(`The new configuration is in use (version ${version}).`)]]);
  if (needsRestart.length > 0) {
    io.err(`warning: these change only with a restart: ${needsRestart.map(printable).join(', ')}`);
  }
  if (redisRefuses !== '') {
    io.err(`warning: Redis does not take its new password or certificates: ${printable(redisRefuses)}`);
  }
  if (!complete) io.err('warning: a request thread has not confirmed it yet; the log of the gateway says more');
  return EXIT.ok;
}
