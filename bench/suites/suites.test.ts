import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startBench } from '../run-bench.fixture.ts';
import { resultSchema } from '../shared/result.ts';
import { SUITES } from './registry.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-suites-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The bench's upstream is uWebSockets.js; where that has no binary (look-for-fronts.ts says so) the bench says that instead.
const canRun = inject('fronts').includes('uws');

describe.each(SUITES.map(({ name }) => name))('%s', (name) => {
  it.runIf(canRun)('runs for real in miniature and writes what the schema says', { timeout: 300_000 }, async () => {
    const out = join(folder, name);
    const bench = startBench({}, name, '--miniature', '--out', out);
    const code = await bench.ended;
    expect(bench.stderr()).not.toContain(`${name} failed:`);
    expect(readdirSync(out).toSorted()).toEqual([`${name}.html`, `${name}.json`, `${name}.md`]);
    const result = resultSchema.parse(JSON.parse(readFileSync(join(out, `${name}.json`), 'utf8')));
    expect(result).toMatchObject({ suite: name, options: { miniature: true } });
    expect(result.measures.length + result.charts.length + result.checks.length).toBeGreaterThan(0);
    // The suite cost has no Redis that could be late: a load there that lost requests is a fault of the bench. One so
    // short that on a busy machine none was answered has lost none.
    const isLoss = (note: string): boolean => note.startsWith('Not used') && !note.includes('no request was answered');
    expect(name === 'cost' ? result.notes.filter(isLoss) : []).toEqual([]);
    // A failed check is a finding, and the bench says so with its exit code; on a busy machine there may be one.
    expect(code).toBe(result.checks.every(({ ok }) => ok) ? 0 : 1);
    expect(readFileSync(join(out, `${name}.html`), 'utf8')).toContain('</html>');
    expect(readFileSync(join(out, `${name}.md`), 'utf8')).toContain(result.question);
  });
});
