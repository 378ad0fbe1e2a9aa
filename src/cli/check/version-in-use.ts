import { configHistoryAnswer } from '../../shared/admin/config.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { resolveSource } from '../../shared/config/source/resolve.ts';
import { AdminClient } from '../admin/client.ts';
import { findAdmin } from '../admin/find-admin.ts';
import type { CliIo } from '../io.ts';

/** Nobody waits long for a gateway that may not run. */
const WITHIN_MS = 1_000;

/**
 * What is to be known of a configuration that was checked as files while versions are pushed. Asks the gateway that runs
 * here, if one does. Never rejects.
 * @returns `undefined`: the configuration comes from files, so these are what is in use
 */
export async function versionInUse(io: CliIo): Promise<string | undefined> {
  const { values } = readEnv(io);
  const { store } = resolveSource(values);
  const { GATEWAY_CONFIG: paths } = values;
  if (store === 'files') return undefined;
  const files =
    paths === undefined
      ? 'the environment alone'
      : `the environment and the files of GATEWAY_CONFIG (${paths.join(', ')})`;
  return `Checked: ${files}.\n${await inUse(io, store)}`;
}

async function inUse(io: CliIo, store: string): Promise<string> {
  try {
    const client = new AdminClient(findAdmin(io, { timeout: WITHIN_MS }));
    const { value } = await client.call({ path: '/admin/config/history', answer: configHistoryAnswer });
    if (value.store === 'files') return 'The gateway that runs here takes its configuration from files (CONFIG_STORE).';
    if (value.version === 0)
      return `No version was pushed yet (CONFIG_STORE=${store}), so the files are what is in use.`;
    return (
      `In use are not these files but version ${value.version}, which was pushed (CONFIG_STORE=${store}): ` +
      '"gateway config" prints it, "gateway config diff" says what the files would change.'
    );
  } catch {
    return (
      `CONFIG_STORE=${store}: where a version was pushed, that is in use and not these files. ` +
      'No gateway answers here that could say so.'
    );
  }
}
