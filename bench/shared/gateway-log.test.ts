import { describe, expect, it } from 'vitest';
import { logLines } from './gateway-log.ts';

describe('logLines', () => {
  it('reads whole lines and leaves the rest out', () => {
    const whole =
      '{"level":"warn","time":"2026-11-23T10:00:00.250Z","to":"OPEN","msg":"circuit breaker CLOSED -> OPEN"}';
    const stdout = `,"msg":"cut"}\n${whole}\nnot JSON\n{"msg":"no time"}\n{"time":"2026-11-23T10:00:0`;
    expect(logLines({ stdout })).toEqual([
      expect.objectContaining({ atMs: Date.UTC(2026, 10, 23, 10) + 250, to: 'OPEN', level: 'warn' }),
    ]);
  });
});
