import { describe, expect, it } from 'vitest';
import { judge } from './verdict.ts';

describe('judge', () => {
  it('passes what is at or under the threshold', () => {
    expect(judge([1, 1.05, 1.1], 1.05)).toEqual({
      passed: true,
      line: 'gate passed: CPU per request HEAD / base 1.050 (1.000–1.100), threshold 1.05',
    });
  });

  it('fails what is over it in nearly every round', () => {
    const { passed, line } = judge([1.08, 1.1, 1.09, 0.99, 1.12], 1.05);
    expect(passed).toBe(false);
    expect(line).toBe('GATE FAILED: CPU per request HEAD / base 1.090 (0.990–1.120), over 1.05');
  });

  it('does not take noise for a finding', () => {
    const { passed, line } = judge([0.8, 1.2, 0.9, 1.3, 1.06], 1.05);
    expect(passed).toBe(true);
    expect(line).toContain('within the spread of the rounds');
  });

  it('fails when nothing could be compared', () => {
    expect(judge([], 1.05).passed).toBe(false);
  });
});
