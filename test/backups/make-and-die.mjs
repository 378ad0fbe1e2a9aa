// Makes a backup as the gateway does, in a process of its own, and ends without a word where it is told to.
// node make-and-die.mjs DIST SLOT_MS STEP [bytes]     (bytes: in the middle of the step, not at its beginning)
// FREEZE_AT='STEP' or 'STEP bytes': there it is stopped before, until somebody lets it go on.
const [dist, slotMs, step, when] = process.argv.slice(2);
/** @param {string} path */
const load = (path) => import(new URL(`src/shared/${path}.js`, `file://${dist}/`).href);
const { makeBackup } = await load('backups/make-backup');
const { DirectoryStore } = await load('backups/directory-store');
const { TaskThreads } = await load('backups/task-threads');
const { readConfig } = await load('config/read-config');

const read = readConfig(process.env, () => '');
if (!read.ok) throw new Error(JSON.stringify(read.problems));
const { backups, redis } = read.config;
const tasks = new TaskThreads({ cpuShare: 1 });
let frozen = false;
/** @param {{ step: string, doneBytes?: number }} progress */
const report = (progress) => {
  const middle = progress.doneBytes !== undefined;
  if (!frozen && process.env['FREEZE_AT'] === (middle ? `${progress.step} bytes` : progress.step)) {
    frozen = true;
    process.kill(process.pid, 'SIGSTOP');
  }
  if (progress.step === step && middle === (when === 'bytes')) process.kill(process.pid, 'SIGKILL');
};
try {
  const store = new DirectoryStore(backups.store.path);
  const request = { kind: 'redis', slotMs: Number(slotMs), signal: new AbortController().signal, report };
  const manifest = await makeBackup({ config: backups, redis, node: 'dying', store, tasks }, request);
  process.stdout.write(manifest.id);
} catch (error) {
  const { step: failed, message } = /** @type {Error & { step: string }} */ (error);
  process.stderr.write(`${failed}|${message}\n`);
  process.exitCode = 1;
}
await tasks[Symbol.asyncDispose]();
