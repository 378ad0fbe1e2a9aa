import { constants, copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fetchClear, fetchStored } from '../../shared/backups/fetch-clear.ts';
import { manifestName } from '../../shared/backups/names.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { bytes } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import { manifestOf, withBackups } from './session.ts';
import type { SessionOptions } from './session.ts';

export interface DownloadOptions extends SessionOptions {
  readonly json: boolean;
  /** A folder. */
  readonly to: string;
  /** Decrypted and uncompressed. */
  readonly clear: boolean;
}

/** `gateway backup download ID`: brings a backup here, each file compared with its manifest, and writes over nothing. */
export const downloadBackup = (
  io: CliIo,
  { id: named, to, clear, json, identity }: DownloadOptions & { readonly id: string },
): Promise<number> =>
  withBackups(io, { identity }, async (session) => {
    const { io: below, access } = session;
    const manifest = await manifestOf(session, named);
    const { id } = manifest;
    const folder = resolve(to);
    const targets = manifest.files.map((file) => ({
      file,
      path: join(folder, clear ? file.name.replace(/\.gz(\.age)?$/, '') : file.name),
    }));
    const manifestPath = join(folder, manifestName(id));
    for (const path of [manifestPath, ...targets.map((each) => each.path)]) {
      const there = await stat(path).catch(() => undefined);
      if (there !== undefined)
        throw new CommandFailure(EXIT.negative, `${path} is there already: nothing was written.`);
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const files: { readonly path: string; readonly bytes: number }[] = [];
    for (const { file, path } of targets) {
      const fetched = await (clear ? fetchClear(file, access) : fetchStored(file, access));
      await copyFile(fetched, path, constants.COPYFILE_EXCL);
      await rm(fetched);
      files.push({ path, bytes: clear ? file.clearBytes : file.bytes });
    }
    await writeFile(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`, { flag: 'wx', mode: 0o600 });
    const lines = files.map((each) => [span(`${each.path}  ${bytes(each.bytes)}`)]);
    const secret = 'It lies here in the clear, for your user alone to read: it may hold addresses and keys of clients.';
    show({ io: below, json }, { id, files }, clear ? [...lines, [span(secret, 'warn')]] : lines);
    return EXIT.ok;
  });
