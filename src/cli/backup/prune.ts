import { readCatalog } from '../../shared/backups/catalog.ts';
import { prune, pruneBy } from '../../shared/backups/prune.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import { withBackups } from './session.ts';

export interface PruneOptions {
  readonly json: boolean;
  readonly dryRun: boolean;
}

/** `gateway backup prune`: removes what BACKUP_KEEP_DAILY, BACKUP_KEEP_WEEKLY and BACKUP_KEEP_DAYS no longer keep. */
export const pruneBackups = (io: CliIo, { json, dryRun }: PruneOptions): Promise<number> =>
  withBackups(io, {}, async ({ config, access: { store, dir, signal } }) => {
    const catalog = await readCatalog(store, { tempDir: dir, signal });
    const plan = pruneBy(config, catalog, wallClockMs());
    if (!dryRun) await prune(store, plan, signal);
    const { kept, removed, leftovers } = plan;
    const answer = { where: store.where, dryRun, kept, removed: removed.map(({ id }) => id), leftovers };
    const goes = dryRun ? 'would go' : 'removed';
    const lines: Line[] = [
      ...kept.map((id) => [span(`${id}  stays`)]),
      ...removed.map(({ id }) => [span(`${id}  ${goes}`, 'warn')]),
      ...leftovers.map((name) => [span(`${name}  ${goes}, left by an interrupted run`, 'warn')]),
    ];
    const sum = `${count(removed.length)} of ${count(kept.length + removed.length)} backups ${goes}.`;
    const outcome = dryRun ? `${sum} Nothing was changed (--dry-run).` : sum;
    show({ io, json }, answer, [...lines, [span(outcome)]]);
    return EXIT.ok;
  });
