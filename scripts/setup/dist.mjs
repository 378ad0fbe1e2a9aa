import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './setup-error.mjs';

/** What tsconfig.build.json compiles, and what else the code reads at run time from beside itself. */
const SOURCE_FOLDERS = ['src', 'bench'];
const ASSET_EXTENSIONS = ['.lua'];
/** A page of the operator's page. */
const RUNBOOK = 'RUNBOOK.md';
/** Of the operator's page, beside its scripts. */
const PAGE_EXTENSIONS = ['.html', '.css', '.svg'];
const SETTINGS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/setup/bundle.mjs',
  'scripts/setup/page.mjs',
  'scripts/setup/runbook-page.mjs',
  RUNBOOK,
];
/** What node is started with, or a thread: all else is reached through them. Below `src`. */
const ENTRIES = ['cli/main', 'primary/main', 'workers/gateway/main', 'workers/health/main', 'workers/jobs/main'];
const BUNDLE = fileURLToPath(new URL('bundle.mjs', import.meta.url));
const PAGE = fileURLToPath(new URL('page.mjs', import.meta.url));
const STAMP = '.build.json';

/**
 * Whether dist was built from these very sources. By content and not by time, so that a clone, a copy in an image and a
 * branch that is switched back and forth are all judged right. A dist without sources beside it is taken as it is.
 * @param {string} root
 */
export function isDistFresh(root) {
  const stamp = join(root, 'dist', STAMP);
  if (!existsSync(stamp)) return false;
  return !existsSync(join(root, 'src')) || JSON.parse(readFileSync(stamp, 'utf8')).inputs === hashInputs(root);
}

/** @param {string} root */
export function canBuild(root) {
  return ['typescript', 'rolldown', 'uplot'].every((name) =>
    existsSync(join(root, 'node_modules', name, 'package.json')),
  );
}

/**
 * Compiles and packs into a new folder and then puts it in dist's place, so that a gateway that starts meanwhile never
 * sees half of it, and no file of a deleted source stays. Only one process may do this at a time.
 * @param {string} root
 * @throws {SetupError} when the sources do not compile; the compiler has said why on stderr
 */
export function buildDist(root) {
  const inputs = hashInputs(root);
  for (const name of readdirSync(root)) {
    if (name.startsWith('dist.')) rmSync(join(root, name), { recursive: true, force: true }); // of a build cut short
  }
  const next = join(root, `dist.${process.pid}`); // as deep as dist: source maps point to the sources by relative paths
  try {
    compile(root, next);
    pack(root, join(next, 'src'));
    packPage(root, join(next, 'src'));
    for (const path of listSources(root)) {
      if (ASSET_EXTENSIONS.some((extension) => path.endsWith(extension))) cpSync(join(root, path), join(next, path));
    }
    writeFileSync(join(next, STAMP), `${JSON.stringify({ inputs })}\n`);
    const dist = join(root, 'dist');
    const old = `${next}.old`;
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(next, dist);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {string} outDir
 */
function compile(root, outDir) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir];
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
  if (result.status !== 0) throw new SetupError('The sources do not compile; dist is left as it was.');
}

/**
 * Puts each entry, with what it imports from here and from packages, into a few files, and leaves in its place a line that
 * imports them: to find, read and compile 450 small modules is more than half of a start. The modules stay where they are,
 * for tests and load suites that use one alone. In a process of its own, as here nothing is awaited.
 * @param {string} root
 * @param {string} folder the compiled `src`
 */
function pack(root, folder) {
  const entries = ENTRIES.filter((entry) => existsSync(join(folder, `${entry}.js`)));
  if (entries.length === 0) return;
  const args = [BUNDLE, folder, ...entries];
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
  if (result.status !== 0) throw new SetupError('The program cannot be packed; dist is left as it was.');
}

/**
 * Puts the operator's page where the admin port looks for it; the runbook too, where it is there.
 * @param {string} root
 * @param {string} folder the compiled `src`
 */
function packPage(root, folder) {
  const sources = join(root, 'src/page');
  if (!existsSync(join(sources, 'main.ts'))) return;
  const args = [PAGE, sources, join(folder, 'page'), join(root, RUNBOOK)];
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
  if (result.status !== 0) throw new SetupError("The operator's page cannot be packed; dist is left as it was.");
}

/** @param {string} root */
function hashInputs(root) {
  const hash = createHash('sha256');
  for (const path of [...SETTINGS.filter((name) => existsSync(join(root, name))), ...listSources(root)]) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @returns {string[]} relative to the root, in a fixed order
 */
function listSources(root) {
  const wanted = ['.ts', ...ASSET_EXTENSIONS, ...PAGE_EXTENSIONS];
  return SOURCE_FOLDERS.filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, String(path))))
    .filter((path) => wanted.some((extension) => path.endsWith(extension)) && !path.endsWith('.test.ts'))
    .sort();
}
