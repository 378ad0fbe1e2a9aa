import { readFileSync } from 'node:fs';

/**
 * sha256 of the binaries in @btc-vision/uwebsockets.js@20.57.0 (Node 20, 22, 24, 25), by file: as they come from npm, and
 * those for Linux after `rebindToOlderGlibc`. A new version of the package needs new lines in package.json, or its files
 * are refused. They stand there because the gateway itself looks at them too, also where it was put without scripts.
 * @type {Readonly<Record<string, { shipped: string, patched?: string }>>}
 */
const PINNED = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).pinnedBinaries;

/**
 * Those that can be rebound.
 * @type {Readonly<Record<string, { shipped: string, patched: string }>>}
 */
export const KNOWN_BINARIES = Object.fromEntries(
  Object.entries(PINNED).flatMap(([name, { shipped, patched }]) =>
    patched === undefined ? [] : [[name, { shipped, patched }]],
  ),
);

/**
 * What a binary's sha256 may be; none for one that is not known.
 * @param {string} name of the file
 * @returns {readonly string[]}
 */
export function pinnedHashes(name) {
  if (!Object.hasOwn(PINNED, name)) return [];
  const { shipped = '', patched } = PINNED[name] ?? {};
  return patched === undefined ? [shipped] : [shipped, patched];
}
