import { readFileSync } from 'node:fs';

/** package.json lies at another depth above `src` than above `dist/src`. */
function readManifest(from: URL): { readonly version: string } {
  try {
    return JSON.parse(readFileSync(new URL('package.json', from), 'utf8')) as { version: string };
  } catch (error) {
    const above = new URL('../', from);
    if (above.href === from.href) throw error; // the root of the disk
    return readManifest(above);
  }
}

/** The gateway's version, as in package.json. */
export const VERSION = readManifest(new URL('.', import.meta.url)).version;
