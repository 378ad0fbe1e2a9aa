import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isAlive } from '../test/lifecycle/run.ts';
import { until } from '../test/support/wait.ts';
import { startBench } from './run-bench.fixture.ts';
import { processTree } from './shared/cpu-time.ts';
import { SUITES } from './suites/registry.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-main-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function said(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const bench = startBench({}, ...args);
  const code = await bench.ended;
  return { code, stdout: bench.stdout(), stderr: bench.stderr() };
}

/** Its upstream is uWebSockets.js, which has no binary for every Node. */
const canRun = inject('fronts').includes('uws');

describe('the command line', () => {
  it('lists every suite with its question and how long it takes', async () => {
    const { code, stdout } = await said();
    expect(code).toBe(0);
    for (const { name, takes } of SUITES) expect(stdout).toMatch(new RegExp(`^${name} +${takes} +`, 'm'));
    for (const { question } of SUITES) expect(stdout).toContain(question);
  });

  it.each([
    [['basline'], 'Did you mean baseline?'],
    [['baseline', '--rounds', 'many'], 'whole number'],
    [['baseline', '--duration', '0'], 'seconds'],
    [['baseline', '--target', 'ftp://x'], 'http:// URL'],
    [['baseline', '--load', 'ab'], 'autocannon or wrk'],
    [['cost', '--front', 'native,nginx'], 'native, uws, or both'],
    [['cost', '--cases', 'get,head'], 'some of get, browser, post, 64k, pipelined, close, tls'],
    [['gate', '--cases', ''], 'some of get'],
    [['compare', 'only-one.json'], 'missing required argument'],
    [['--no-such'], 'unknown option'],
  ])('ends with 64 and says why: %j', async (args, why) => {
    const { code, stderr } = await said(...args);
    expect(stderr).toContain(why);
    expect(code).toBe(64);
  });

  it('ends with 1 for a base commit that does not exist', async () => {
    const { code, stderr } = await said('gate', 'no-such-branch');
    expect(stderr).toContain('git knows no commit "no-such-branch"');
    expect(code).toBe(1);
  });

  it('ends with 1 for a file that is no result', async () => {
    const { code, stderr } = await said('compare', import.meta.filename, import.meta.filename);
    expect(stderr).toContain('is not a result of this bench');
    expect(code).toBe(1);
  });

  it.runIf(canRun)('measures, writes to the folder, compares and reports', async () => {
    const out = join(folder, 'results');
    expect((await said('baseline', '--miniature', '--out', out)).code).toBe(0);
    const file = join(out, 'baseline.json');
    const compared = await said('compare', file, file);
    expect(compared).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(out, 'baseline.html'));
    expect((await said('report', out)).code).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual(['baseline.html', 'baseline.json', 'baseline.md', 'report.html']);
  });

  it('says that an upstream of the user is not there', async () => {
    const { code, stderr } = await said('baseline', '--target', 'http://127.0.0.1:1/', '--out', join(folder, 'none'));
    expect(stderr).toContain('baseline failed: ');
    expect(code).toBe(1);
  });
});

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, exitCode) => {
  it.runIf(canRun)('ends every process and leaves no folder', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const bench = startBench({ TMPDIR: temporary }, 'baseline', '--duration', '60', '--out', join(folder, signal));
    const pid = bench.child.pid ?? 0;
    using _ended = { [Symbol.dispose]: () => bench.child.kill('SIGTERM') };
    // Upstream, gateway and load.
    await until(() => processTree(pid).length >= 4 && bench.stderr().includes('the load alone'));
    const tree = processTree(pid).filter((each) => each !== pid);
    expect(readdirSync(temporary)).toHaveLength(1);
    bench.child.kill(signal);
    expect(await bench.ended).toBe(exitCode);
    await until(async () => !(await Promise.all(tree.map(isAlive))).includes(true));
    expect(readdirSync(temporary)).toEqual([]);
  });
});
