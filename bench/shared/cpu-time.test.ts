import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { parseStat, processTree, treeCpuTime } from './cpu-time.ts';

describe('parseStat', () => {
  it('survives a name with blanks and brackets', () => {
    const line = '42 (a) R 1 (b)) S 7 42 42 0 -1 4194560 1 2 3 4 150 25 9 9 20 0 11 0 5 1 1';
    expect(parseStat(line)).toEqual({ parent: 7, userUs: 1_500_000, systemUs: 250_000 });
  });
});

describe('treeCpuTime', () => {
  it('counts what a grandchild burns', async () => {
    const burn = 'while (process.cpuUsage().user < 300_000); console.log("done")';
    const child = spawn('sh', ['-c', `"${process.execPath}" -e '${burn};setInterval(()=>{},1000)'; true`]);
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    const tree = processTree(pid);
    const { userUs, systemUs } = treeCpuTime(pid);
    for (const member of tree.toReversed()) process.kill(member, 'SIGKILL');
    expect(tree).toHaveLength(2);
    expect(userUs + systemUs).toBeGreaterThan(100_000);
  });
});
