import type { ExitCode } from '../../shared/exit-codes.ts';
import type { Log } from '../../shared/log.ts';

/**
 * Ends the process. With threads left that may hold sockets, process.exit() would abort in uWS (134 and a core dump),
 * so the process kills itself: nothing of it runs any more, and a supervisor sees an abnormal end either way.
 *
 * @param opts.threadsLeft whether a request thread that ever got a connection is still there
 */
export async function leave(code: ExitCode, opts: { readonly threadsLeft: boolean; readonly log: Log }): Promise<void> {
  const { threadsLeft, log } = opts;
  if (threadsLeft) log.fatal({ exitCode: code }, 'request threads do not end: the process kills itself');
  await log.close();
  if (threadsLeft) process.kill(process.pid, 'SIGKILL');
  else process.exit(code);
}
