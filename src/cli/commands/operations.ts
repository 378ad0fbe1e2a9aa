import { z } from 'zod';
import { drainAnswer, logLevel, reloadAnswer } from '../../shared/admin/operations.ts';
import type { LogLevelBody } from '../../shared/admin/operations.ts';
import { EXIT } from '../exit-codes.ts';
import { duration } from '../output/quantities.ts';
import { jsonText } from '../output/json.ts';
import { printable, span } from '../output/text.ts';
import { show } from './command.ts';
import type { AskContext } from './command.ts';

/** `gateway log-level [LEVEL]`: shows or sets it; a reload or a restart brings the configured one back. */
export async function setLogLevel(context: AskContext, level: LogLevelBody['level'] | undefined): Promise<number> {
  const path = '/admin/log-level';
  const change = level === undefined ? {} : ({ method: 'PUT', body: { level } } as const);
  const { value, json } = await context.client.call({ path, answer: logLevel, ...change });
  show(context, json, [[span(value.level)]]);
  return EXIT.ok;
}

/** `gateway drain` */
export async function drain(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ method: 'POST', path: '/admin/drain', answer: drainAnswer });
  const within = `at the latest in ${duration(value.deadlineSeconds)}`;
  show(context, json, [[span(`The gateway takes no new requests and ends when those in flight are done, ${within}.`)]]);
  return EXIT.ok;
}

/** `gateway config`: what the running gateway uses, secrets masked. */
export async function config(context: AskContext): Promise<number> {
  const answer = z.record(z.string(), z.unknown());
  const { json } = await context.client.call({ path: '/admin/config', answer });
  const { yamlText } = await import('../output/yaml.ts');
  context.io.out(context.json ? jsonText(json, 2) : yamlText(json));
  return EXIT.ok;
}

/** A reload may replace all threads, one after another, and each may take seconds to start. */
const RELOAD_TIMEOUT_MS = 120_000;

/** `gateway reload`: asks a running gateway to read its configuration again. */
export async function reload(context: AskContext): Promise<number> {
  const { io, client } = context;
  const { value, json } = await client.call({
    method: 'POST',
    path: '/admin/reload',
    timeoutMs: RELOAD_TIMEOUT_MS,
    answer: reloadAnswer,
  });
  const { version, needsRestart, complete } = value;
  show(context, json, [[span(`The new configuration is in use (version ${version}).`)]]);
  if (needsRestart.length > 0) {
    io.err(`warning: these change only with a restart: ${needsRestart.map(printable).join(', ')}`);
  }
  if (!complete) io.err('warning: a request thread has not confirmed it yet; the log of the gateway says more');
  return EXIT.ok;
}
