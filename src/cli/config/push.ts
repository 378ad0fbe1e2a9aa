import { basename } from 'node:path';
import { configHistoryAnswer, configPushAnswer } from '../../shared/admin/config.ts';
import type { ConfigPush, ConfigPushAnswer, ConfigRollback, Difference } from '../../shared/admin/config.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import { readConfigFiles } from '../../shared/config/files/config-files.ts';
import { thisMachine } from '../../shared/config/server/machine.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { printable, span } from '../output/text.ts';
import type { Line, Style } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

/** All nodes are asked first, and all threads of this one take it. */
const PUSH_WITHIN_MS = 60_000;

/** @throws {CommandFailure} when there is nothing to read, or it cannot be read */
function filesOf({ io }: AskContext, paths: readonly string[]): ConfigPush['files'] {
  const given = (io.env['GATEWAY_CONFIG'] ?? '').split(',').map((each) => each.trim());
  const names = (paths.length > 0 ? paths : given).filter((each) => each !== '');
  if (names.length === 0) throw new CommandFailure(EXIT.usage, 'Name the files, or set GATEWAY_CONFIG.');
  const { factsOf, entriesOf } = thisMachine();
  const read = readConfigFiles(names, { readFile: io.readFile, factsOf, entriesOf });
  if (!read.ok) throw new CommandFailure(EXIT.configuration, formatProblems(read.problems));
  return read.files.map(({ file, text }) => ({ name: basename(file), text }));
}

const MARK: Readonly<Record<Difference['change'], { readonly mark: string; readonly style: Style }>> = {
  added: { mark: '+', style: 'good' },
  changed: { mark: '~', style: 'warn' },
  removed: { mark: '-', style: 'bad' },
};

function differenceLine({ path, change, before, after }: Difference): Line {
  const { mark, style } = MARK[change];
  const values = change === 'changed' ? `${before} -> ${after}` : (after ?? before ?? '');
  return [span(`${mark} ${printable(path)}`, style), span(`: ${printable(values)}`, 'faint')];
}

function differenceLines({ changes, omitted, needsRestart }: ConfigPushAnswer): readonly Line[] {
  return [
    ...changes.map(differenceLine),
    ...(omitted > 0 ? [[span(`… and ${omitted} more`, 'faint')]] : []),
    ...(needsRestart.length > 0
      ? [[span(`Only a restart changes these: ${needsRestart.map(printable).join(', ')}`, 'warn')]]
      : []),
  ];
}

function showWarnings({ io }: AskContext, { warnings }: ConfigPushAnswer): void {
  for (const warning of warnings) io.err(`warning: ${printable(warning)}`);
}

/** `gateway config diff` */
export async function configDiff(context: AskContext, paths: readonly string[]): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'PUT',
    path: '/admin/config?dry_run=1',
    body: { files: filesOf(context, paths) },
    workMs: PUSH_WITHIN_MS,
    answer: configPushAnswer,
  });
  const none = [[span('Nothing would change.')]];
  show(context, json, value.changes.length === 0 ? none : differenceLines(value));
  showWarnings(context, value);
  return value.changes.length === 0 ? EXIT.ok : EXIT.negative;
}

function showPushed(context: AskContext, value: ConfigPushAnswer, json: unknown): number {
  const line = [span(`Version ${value.version} is in use.`)];
  show(context, json, [...differenceLines(value), line]);
  showWarnings(context, value);
  if (!value.complete) context.io.err('warning: this node has not confirmed it; "gateway status" and its log say more');
  return EXIT.ok;
}

/** `gateway config push` */
export async function configPush(
  context: AskContext,
  paths: readonly string[],
  { comment, on }: { readonly comment: string | undefined; readonly on: number | undefined },
): Promise<number> {
  const { client } = context;
  const files = filesOf(context, paths);
  const based = on ?? (await client.call({ path: '/admin/config/history', answer: configHistoryAnswer })).value.version;
  const { value, json } = await client.call({
    method: 'PUT',
    path: '/admin/config',
    headers: { 'if-match': `"${based}"` },
    body: { files, ...(comment === undefined ? {} : { comment }) },
    workMs: PUSH_WITHIN_MS,
    answer: configPushAnswer,
  });
  return showPushed(context, value, json);
}

/** `gateway config rollback` */
export async function configRollback(context: AskContext, wish: ConfigRollback): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'POST',
    path: '/admin/config/rollback',
    body: wish,
    workMs: PUSH_WITHIN_MS,
    answer: configPushAnswer,
  });
  return showPushed(context, value, json);
}
