import { z } from 'zod';
import { statusAnswer } from '../../shared/admin/status.ts';
import type { StatusAnswer } from '../../shared/admin/status.ts';
import type { Config } from '../../shared/config/types.ts';
import { VERSION } from '../../shared/version.ts';
import { AdminClient, LateAnswer } from '../admin/client.ts';
import { findAdmin } from '../admin/find-admin.ts';
import { isThisMachine } from '../admin/made-token.ts';
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
  /** What it uses, secrets as `***`; `undefined`: none answers, or it does not show it. */
  readonly config: Config | undefined;
  /** It runs on this machine. */
  readonly here: boolean;
}

/** Of the configuration that the admin port shows, what the checks look at. */
const usedConfig = z.looseObject({
  server: z.looseObject({ host: z.string(), port: z.number(), adminHost: z.string(), adminPort: z.number() }),
  upstreams: z.array(z.looseObject({ name: z.string(), targets: z.array(z.looseObject({ origin: z.string() })) })),
  routes: z.array(z.unknown()),
  limits: z.looseObject({ timeoutMs: z.number(), timeoutMaxMs: z.number() }),
  redis: z.looseObject({ url: z.string() }).optional(),
});

/** Asks the gateway how it is, if there is one; none is no failure, because it may be about to be started. */
export async function checkGateway(io: CliIo, options: AdminOptions): Promise<RunningGateway> {
  const check = 'gateway';
  try {
    const place = findAdmin(io, options);
    const client = new AdminClient(place);
    const { value } = await client.call({ path: '/admin/status', answer: statusAnswer });
    const { json } = await client.call({ path: '/admin/config', answer: usedConfig });
    const here = isThisMachine(new URL(place.origin).hostname.replace(/^\[(.*)\]$/, '$1'));
    return { finding: judgeStatus(check, value), status: value, config: json as Config, here };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const [found = '', ...advice] = error.message.split('\n');
    const there = error instanceof LateAnswer || options.url !== undefined;
    const absent = error.exitCode === EXIT.unavailable && !there;
    const finding = absent ? ok(check, `${found} It is taken as not running.`) : fail(check, found, advice.join(' '));
    return { finding, status: undefined, config: undefined, here: true };
  }
}

export function judgeStatus(check: string, { verdict, reasons, version, node }: StatusAnswer): Finding {
  const found = `${node} (version ${version}) is ${[verdict, ...reasons].join('; ')}`;
  if (version !== VERSION)
    return warn(check, found, `This command is version ${VERSION}: restart the gateway to use it.`);
  if (verdict === 'ok') return ok(check, found);
  return warn(check, found, 'See "gateway status" and "gateway events".');
}
