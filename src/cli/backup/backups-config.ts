import { checkEnv } from '../../shared/config/env-checks.ts';
import { resolveBackups } from '../../shared/config/backups/resolve.ts';
import type { BackupsConfig, BackupStoreConfig } from '../../shared/config/backups/types.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/**
 * Backups as BACKUP_* say; the rest of the configuration need not be valid, since the machine that restores may be another.
 * @throws {CommandFailure} when they are wrong
 */
export function backupsConfig(io: CliIo): BackupsConfig {
  const read = readEnv(io);
  const problems = [...read.problems, ...checkEnv(read, io.readFile)].filter(({ key }) => key.startsWith('BACKUP_'));
  if (problems.length === 0) return resolveBackups(read.values, []);
  throw new CommandFailure(EXIT.configuration, `The configuration is not valid:\n${formatProblems(problems)}`);
}

/** @throws {CommandFailure} where none is named */
export function storeOf({ store }: BackupsConfig): BackupStoreConfig {
  if (store !== undefined) return store;
  const words = 'Neither BACKUP_DIR nor BACKUP_S3_URL is set: set them as for the gateway.';
  throw new CommandFailure(EXIT.configuration, words);
}

/**
 * Secret keys of age: those of a file, as age-keygen writes it, or else the one of the configuration.
 * @throws {CommandFailure} when the file has none
 */
export function identitiesOf(io: CliIo, { identity }: BackupsConfig, file: string | undefined): readonly string[] {
  if (file === undefined) return identity === undefined ? [] : [identity];
  let text: string;
  try {
    text = io.readFile(file);
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `--identity: ${error instanceof Error ? error.message : String(error)}`);
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (keys.length > 0) return keys;
  throw new CommandFailure(EXIT.usage, `--identity: ${file} holds no secret key of age (AGE-SECRET-KEY-1…)`);
}
