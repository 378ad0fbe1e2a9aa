import { access } from 'node:fs/promises';
import { DirectoryStore } from '../../shared/backups/directory-store.ts';
import { whyNoTar } from '../../shared/backups/files/tar.ts';
import { findRedisBinaries } from '../../shared/backups/verify/redis-binaries.ts';
import type { BackupsConfig } from '../../shared/config/backups/types.ts';
import type { Config } from '../../shared/config/types.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const CHECK = 'backups';
const WITHIN_MS = 5_000;

/**
 * Whether backups are made, and what of it can be judged from this machine.
 * @param here the gateway runs on this machine, or would
 */
export async function checkBackups(config: Config, here: boolean): Promise<readonly Finding[]> {
  // A gateway of an earlier version shows none.
  const backups = config.backups as BackupsConfig | undefined;
  if (backups?.store === undefined) {
    return [ok(CHECK, 'off: neither BACKUP_DIR nor BACKUP_S3_URL is set')];
  }
  const { store, files, recipient } = backups;
  if (config.redis === undefined && files.length === 0) {
    return [warn(CHECK, 'there is a place for them, and nothing to put there', 'Set REDIS_URL or BACKUP_FILES.')];
  }
  const where = store.kind === 'directory' ? store.path : `${store.origin}/${store.bucket}/${store.prefix}`;
  const clear = recipient === undefined ? ', in the clear' : '';
  const found = ok(CHECK, `into ${where}${clear}: ${backups.schedule}, with files ${backups.fullSchedule} (UTC)`);
  return here ? [found, ...(await checkHere(backups))] : [found];
}

async function checkHere({ store, files }: BackupsConfig): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const signal = AbortSignal.timeout(WITHIN_MS);
  const refused = store?.kind === 'directory' ? await new DirectoryStore(store.path).refuses() : '';
  if (refused !== '')
    findings.push(fail(CHECK, `BACKUP_DIR cannot be written: ${refused}`, 'Give it to the user of the gateway.'));
  const binaries = await findRedisBinaries(signal);
  if (!binaries.found) {
    const advice =
      'Install redis-server there: without it backups are stored and not verified, unless another node can.';
    findings.push(warn(CHECK, binaries.reason, advice));
  }
  const noTar = files.length === 0 ? undefined : await whyNoTar(signal);
  if (noTar !== undefined)
    findings.push(fail(CHECK, noTar, 'Install GNU tar: BACKUP_FILES cannot be packed without it.'));
  for (const path of files) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (!there)
      findings.push(
        fail(CHECK, `BACKUP_FILES: ${path} is not there, or not readable`, 'A full backup fails without it.'),
      );
  }
  return findings;
}
