import { describe, expect, it } from 'vitest';
import { parseWork } from './redis.ts';

const CPU = '# CPU\r\nused_cpu_sys:1.250000\r\nused_cpu_user:2.500000\r\nused_cpu_sys_children:9.000000\r\n';

describe('parseWork', () => {
  it('adds user and system time, and scripts by either name', () => {
    const stats =
      '# Commandstats\r\ncmdstat_eval:calls=1,usec=9\r\ncmdstat_evalsha:calls=41,usec=5\r\ncmdstat_hmget:calls=999,usec=1\r\n';
    expect(parseWork(`${CPU}${stats}# Stats\r\ntotal_commands_processed:77\r\n`)).toEqual({
      cpuUs: 3_750_000,
      scripts: 42,
      commands: 77,
    });
  });

  it('counts none where there was none', () => {
    expect(parseWork(CPU).scripts).toBe(0);
  });

  it('refuses an answer without CPU times', () => {
    expect(() => parseWork('# Server\r\n')).toThrow('used_cpu_user');
  });
});
