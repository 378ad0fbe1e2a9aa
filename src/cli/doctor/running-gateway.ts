import { statusAnswer } from '../../shared/admin/status.ts';
import type { StatusAnswer } from '../../shared/admin/status.ts';
import { VERSION } from '../../shared/version.ts';
import { AdminClient, LateAnswer } from '../admin/client.ts';
import { findAdmin } from '../admin/find-admin.ts';
import type { AdminOptions } from '../admin/find-admin.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

export interface RunningGateway {
  readonly finding: Finding;
  /** `undefined`: none answers here. */
  readonly status: StatusAnswer | undefined;
}

/** Asks the gateway how it is, if there is one; none is no failure, because it may be about to be started. */
export async function checkGateway(io: CliIo, options: AdminOptions): Promise<RunningGateway> {
  const check = 'gateway';
  try {
    const client = new AdminClient(findAdmin(io, options));
    const { value } = await client.call({ path: '/admin/status', answer: statusAnswer });
    return { finding: judgeStatus(check, value), status: value };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const [found = '', ...advice] = error.message.split('\n');
    const there = error instanceof LateAnswer || options.url !== undefined;
    const absent = error.exitCode === EXIT.unavailable && !there;
    const finding = absent ? ok(check, `${found} It is taken as not running.`) : fail(check, found, advice.join(' '));
    return { finding, status: undefined };
  }
}

export function judgeStatus(check: string, { verdict, reasons, version, node }: StatusAnswer): Finding {
  const found = `${node} (version ${version}) is ${[verdict, ...reasons].join('; ')}`;
  if (version !== VERSION)
    return warn(check, found, `This command is version ${VERSION}: restart the gateway to use it.`);
  if (verdict === 'ok') return ok(check, found);
  return warn(check, found, 'See "gateway status" and "gateway events".');
}
