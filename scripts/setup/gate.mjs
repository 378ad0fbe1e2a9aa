import { runQuietly, toolScript } from './run-tool.mjs';

/** Every check that needs no running program; each is [what it is about, package, arguments, command]. */
const CHECKS = /** @type {const} */ ([
  ['format', 'oxfmt', ['--check', '.'], 'oxfmt'],
  ['lint', 'oxlint', ['--deny-warnings'], 'oxlint'],
  ['types', 'typescript', ['--noEmit', '-p', 'tsconfig.json'], 'tsc'],
  ['types of the page', 'typescript', ['--noEmit', '-p', 'src/page/tsconfig.json'], 'tsc'],
  ['unused code', 'knip', ['--no-progress'], 'knip'],
]);

/**
 * The quick gate: runs all checks at once, prints one line for each and the output of those that failed.
 * @returns {Promise<boolean>} whether all passed
 */
export async function runGate() {
  const results = await Promise.all(
    CHECKS.map(async ([title, name, args, command]) => {
      const started = performance.now();
      const { code, output } = await runQuietly(process.execPath, [toolScript(name, command), ...args]);
      return { title, code, output, seconds: (performance.now() - started) / 1000 };
    }),
  );
  for (const { title, code, output, seconds } of results) {
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds.toFixed(1)} s)`);
    if (code !== 0) console.log(output.trimEnd());
  }
  const failed = results.filter(({ code }) => code !== 0).map(({ title }) => title);
  if (failed.length > 0) console.log(`The gate failed: ${failed.join(', ')}.`);
  return failed.length === 0;
}
