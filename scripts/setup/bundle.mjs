// node scripts/setup/bundle.mjs FOLDER ENTRY...: packs a compiled `src`; entries without extension, below the folder.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** Beside the modules, so that whoever copies `dist/src` has it. */
const FOLDER = 'bundle';
/** They look for files of their own beside themselves. */
const KEPT_APART = ['uWebSockets.js', 'piscina'];

const [folder = '', ...entries] = process.argv.slice(2);
/** @param {string} entry */
const nameOf = (entry) => entry.replaceAll('/', '-');

/**
 * One of our modules, with its source map. It goes on seeing its own place in `import.meta.url`, from where it finds
 * scripts of Redis, threads and package.json.
 * @param {string} id path of a module
 */
function loadModule(id) {
  if (!id.startsWith(folder + sep) || !id.endsWith('.js')) return null;
  const place = JSON.stringify(`../${relative(folder, id).replaceAll(sep, '/')}`);
  const code = readFileSync(id, 'utf8').replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`);
  return { code, map: readFileSync(`${id}.map`, 'utf8') };
}

const packed = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [nameOf(entry), join(folder, `${entry}.js`)])),
  platform: 'node',
  external: KEPT_APART,
  plugins: [{ name: 'modules-stay-where-they-are', load: loadModule }],
});
await packed.write({
  dir: join(folder, FOLDER),
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
});
await packed.close();
for (const entry of entries) {
  const up = '../'.repeat(entry.split('/').length - 1);
  writeFileSync(join(folder, `${entry}.js`), `export * from '${up || './'}${FOLDER}/${nameOf(entry)}.js';\n`);
}
