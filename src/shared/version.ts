import { readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
  readonly pinnedBinaries: Readonly<Record<string, { readonly shipped: string; readonly patched?: string }>>;
}

/** package.json lies at another depth above `src` than above `dist/src`. */
function readManifest(from: URL): Manifest {
  try {
    return JSON.parse(readFileSync(new URL('package.json', from), 'utf8')) as Manifest;
  } catch (error) {
    const above = new URL('../', from);
    if (above.href === from.href) throw error; // the root of the disk
    return readManifest(above);
  }
}

const manifest = readManifest(new URL('.', import.meta.url));

/** The gateway's version, as in package.json. */
export const VERSION = manifest.version;

/** What the sha256 of a binary of uWebSockets.js may be, by the file's name. */
export const PINNED_BINARIES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(manifest.pinnedBinaries ?? {}).map(([name, { shipped, patched }]) => [
    name,
    patched === undefined ? [shipped] : [shipped, patched],
  ]),
);
