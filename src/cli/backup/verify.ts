import { verifyBackup } from '../../shared/backups/verify-backup.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { bytes, count } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import { manifestOf, withBackups } from './session.ts';
import type { SessionOptions } from './session.ts';

export interface VerifyOptions extends SessionOptions {
  readonly json: boolean;
}

/**
 * `gateway backup verify ID`: reads a backup back, and restores it on trial.
 * @returns 1 when it is damaged, or cannot be proved here
 */
export const verifyStored = (
  io: CliIo,
  { id: named, json, identity }: VerifyOptions & { readonly id: string },
): Promise<number> =>
  withBackups(io, { identity }, async (session) => {
    const { io: below, config, access } = session;
    const manifest = await manifestOf(session, named);
    const { id } = manifest;
    const { store, tasks, identities, signal, report } = access;
    const verification = await verifyBackup({ config, store, tasks }, manifest, { identities, signal, report });
    const files = manifest.files.map((file): Line => [span(`${file.name}: ${bytes(file.bytes)} of ${file.source}`)]);
    show({ io: below, json }, { id, ...verification }, [...files, ...outcomeOf(id, verification)]);
    return verification.result === 'verified' ? EXIT.ok : EXIT.negative;
  });

function outcomeOf(id: string, verification: Awaited<ReturnType<typeof verifyBackup>>): readonly Line[] {
  if (verification.result === 'stored') {
    return [[span(`${id} is stored, not verified: ${verification.reason}.`, 'warn')]];
  }
  const { keysLoaded, keysExpired } = verification;
  const keys = `${count(keysLoaded + keysExpired)} keys, of which ${count(keysExpired)} have expired since`;
  return [[span(`${id} is verified`, 'good'), span(`: it is what was stored, and can be restored; ${keys}.`)]];
}
