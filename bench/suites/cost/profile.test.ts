import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readThreadProfiles, selfTimes } from './profile.ts';
import type { CpuProfile } from './profile.ts';

const node = (id: number, functionName: string, url = ''): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
});
const one: CpuProfile = {
  nodes: [
    node(1, '(idle)'),
    node(2, 'forward', 'file:///x/dist/src/a.js'),
    node(3, ''),
    node(4, 'forward', 'file:///x/dist/src/a.js'),
  ],
  samples: [1, 2, 3, 4],
  timeDeltas: [1000, 30, -5, 20],
};

describe('selfTimes', () => {
  it('adds equal frames, within and across profiles, and leaves idle time out', () => {
    expect(selfTimes([one, { nodes: [node(7, '(program)')], samples: [7], timeDeltas: [50] }])).toEqual([
      { frame: 'forward dist/src/a.js:10', selfUs: 50, share: 0.5 },
      { frame: '(program)', selfUs: 50, share: 0.5 },
      { frame: '(anonymous)', selfUs: 0, share: 0 },
    ]);
  });
});

describe('readThreadProfiles', () => {
  it('prefers the threads to the main thread, and says when there is nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'profiles-'));
    try {
      expect(() => readThreadProfiles(folder)).toThrow('no .cpuprofile');
      writeFileSync(join(folder, 'CPU.20260101.101010.77.0.001.cpuprofile'), '{"samples":[0]}');
      expect(readThreadProfiles(folder)).toEqual([{ samples: [0] }]);
      writeFileSync(join(folder, 'CPU.20260101.101010.77.1.002.cpuprofile'), '{"samples":[1]}');
      expect(readThreadProfiles(folder)).toEqual([{ samples: [1] }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
