import { jobRun, jobsAnswer } from '../../shared/admin/jobs.ts';
import type { BackupKind, Manifest } from '../../shared/backups/manifest.ts';
import { segment } from '../admin/client.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { asking } from '../groups/group.ts';
import type { AskOptions } from '../groups/group.ts';
import type { CliIo } from '../io.ts';
import { follow } from '../jobs/follow.ts';
import { bytes, count } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';
import { makeHere, snapshotTo } from './make-here.ts';
import { NO_STORE } from './no-store.ts';
import { BACKUP_JOBS } from './other-nodes.ts';
import { withBackups } from './session.ts';

export interface NowOptions extends AskOptions {
  readonly full: boolean;
  /** A new file for the snapshot alone. */
  readonly to?: string | undefined;
  /** In this process, whether there is a gateway or not. */
  readonly here: boolean;
}

/** `gateway backup now`: makes a backup at once, by the job of a running gateway, or here where none answers. */
export async function backupNow(io: CliIo, options: NowOptions): Promise<number> {
  const { full, to, here, url } = options;
  if (to !== undefined && full) {
    throw new CommandFailure(EXIT.usage, '--to takes the snapshot of Redis alone: for --full set BACKUP_DIR.');
  }
  if (to !== undefined) return toFile(io, to, options.json);
  const kind: BackupKind = full ? 'full' : 'redis';
  if (here) return inThisProcess(io, kind, options.json);
  const context = asking(io, options);
  const why = await whyNotByGateway(context, kind).catch((error: unknown) => {
    if (url === undefined && error instanceof CommandFailure && error.exitCode === EXIT.unavailable) {
      return error.message.split('\n')[0] ?? '';
    }
    throw error;
  });
  if (why === undefined) return byGateway(context, kind);
  io.err(`${why} The backup is made here.`);
  return inThisProcess(io, kind, options.json);
}

/** A gateway without a place for backups has no such job. */
async function whyNotByGateway({ client }: AskContext, kind: BackupKind): Promise<string | undefined> {
  const { value } = await client.call({ path: '/admin/jobs', answer: jobsAnswer });
  return value.jobs.some(({ name }) => name === BACKUP_JOBS[kind])
    ? undefined
    : `The gateway at ${client.origin} makes no backups (JOBS, BACKUP_DIR, BACKUP_S3_URL).`;
}

async function byGateway(context: AskContext, kind: BackupKind): Promise<number> {
  const path = `/admin/jobs/${segment(BACKUP_JOBS[kind])}`;
  const { client } = context;
  const { value, json } = await client.call({ method: 'POST', path, body: {}, answer: jobRun });
  const code = await follow(context, { value, json });
  if (code !== EXIT.ok) return code;
  const ended = await client.call({ path: `${path}/runs/${segment(value.id)}`, answer: jobRun });
  return ended.value.details['result'] === 'verified' ? EXIT.ok : EXIT.negative;
}

const inThisProcess = (io: CliIo, kind: BackupKind, json: boolean): Promise<number> =>
  withBackups(io, {}, async (session) => {
    const manifest = await makeHere(io, kind, session);
    show({ io: session.io, json }, manifest, linesOf(manifest, session.access.store.where));
    return manifest.verification.result === 'verified' ? EXIT.ok : EXIT.negative;
  });

function toFile(io: CliIo, to: string, json: boolean): Promise<number> {
  return withBackups(io, { openOther: () => NO_STORE }, async (session) => {
    const files = await snapshotTo(io, to, session);
    const lines = files.map((file): Line => {
      const keys = file.keys === null ? 'a copy by key, since Redis gives no snapshot' : `${count(file.keys)} keys`;
      return [span(`${file.path}: ${bytes(file.bytes)} of ${file.source}, ${keys}`)];
    });
    show({ io: session.io, json }, { files }, [
      ...lines,
      [span('It is in the clear, for your user alone to read.', 'warn')],
    ]);
    return EXIT.ok;
  });
}

function linesOf({ id, files, leftOut, verification }: Manifest, where: string): readonly Line[] {
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  const proof: Line =
    verification.result === 'verified'
      ? [span(`${id} is in ${where}, ${bytes(size)}, verified`, 'good')]
      : [span(`${id} is in ${where}, ${bytes(size)}, stored but not verified: ${verification.reason}`, 'warn')];
  return leftOut.length === 0
    ? [proof]
    : [proof, [span(`Left out, since there is no BACKUP_ENCRYPTION_RECIPIENT: ${leftOut.join(', ')}`, 'warn')]];
}
