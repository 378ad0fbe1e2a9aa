import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { applyPlan } from '../../shared/backups/restore/apply-plan.ts';
import { planRestore } from '../../shared/backups/restore/plan.ts';
import { databaseOf, scratchOf } from '../../shared/backups/restore/scratch-of.ts';
import { whyTargetUnfit } from '../../shared/backups/restore/target.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count } from '../output/quantities.ts';
import { show } from '../show.ts';
import { openTarget } from './open-target.ts';
import type { Ready, RestoreOptions } from './options.ts';
import { planLines } from './print.ts';

/** Puts what is wanted of a backup into a running Redis. */
export async function intoRedis(io: CliIo, options: RestoreOptions, { access, proved }: Ready): Promise<number> {
  const { id, json, dryRun, force, buckets, all } = options;
  const { signal, dir, report } = access;
  await using target = await openTarget(io, options.target);
  await using scratches = new AsyncDisposables();
  const loaded: Redis[] = [];
  for (const [i, { file, clear }] of proved.entries()) {
    const { redis } = scratches.add(await scratchOf(file, clear, { dir: join(dir, `scratch-${i}`), signal }));
    const unfit = await whyTargetUnfit(target, { sourceVersion: file.redisVersion, scratch: redis });
    if (unfit !== undefined)
      throw new CommandFailure(EXIT.negative, `${target.where} cannot be used: ${unfit}.\nNothing was changed.`);
    await redis.select(await databaseOf(redis, target.database));
    loaded.push(redis);
  }
  report({ step: 'compare' });
  const plan = await planRestore(loaded, target, { wanted: { buckets, all }, signal });
  const expired = proved.reduce((sum, { proof }) => sum + proof.keysExpired, 0);
  const refused = plan.losses > 0 && !force;
  const applied = dryRun || refused ? undefined : await applyPlan(plan, target, { force, signal, report });
  const rows = plan.rows.map(({ kind, ...row }) => ({ kind: kind.name, ...row }));
  const differences = plan.differences.map(({ kind, ...each }) => ({
    kind: kind.name,
    subject: each.subject,
    before: each.before ?? null,
    after: each.after ?? null,
  }));
  const answer = {
    id,
    target: target.where,
    dryRun,
    kinds: rows,
    differences,
    expired,
    written: applied?.written ?? 0,
    removed: applied?.removed ?? 0,
  };
  if (!refused || dryRun || json)
    show({ io, json }, answer, planLines({ plan, id, where: target.where, expired, applied }));
  if (!refused) return EXIT.ok;
  const what = `${target.where} holds ${count(plan.losses)} bans, holds or keys that would be lost`;
  if (dryRun) {
    io.err(`${what}: it would take --force.`);
    return EXIT.negative;
  }
  throw new CommandFailure(EXIT.negative, `${what}: nothing was changed. --dry-run shows them, --force does it.`);
}

/** Closes what was opened, the last first. */
class AsyncDisposables implements AsyncDisposable {
  readonly #opened: AsyncDisposable[] = [];

  add<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened.reverse()) await each[Symbol.asyncDispose]();
  }
}
