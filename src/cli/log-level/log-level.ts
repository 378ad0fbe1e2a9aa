import { logLevel } from '../../shared/admin/operations.ts';
import type { LogLevelBody } from '../../shared/admin/operations.ts';
import { EXIT } from '../exit-codes.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

/** `gateway log-level [LEVEL]`: shows or sets it; a reload or a restart brings the configured one back. */
export async function setLogLevel(context: AskContext, level: LogLevelBody['level'] | undefined): Promise<number> {
  const path = '/admin/log-level';
  const change = level === undefined ? {} : ({ method: 'PUT', body: { level } } as const);
  const { value, json } = await context.client.call({ path, answer: logLevel, ...change });
  show(context, json, [[span(value.level)]]);
  return EXIT.ok;
}
