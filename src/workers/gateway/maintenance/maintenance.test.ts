import { expect, test } from 'vitest';
import { Maintenance } from './maintenance.ts';

const entry = (route: string, untilMs: number, more: { text?: string; allow?: string[] } = {}) => ({
  route,
  untilMs,
  text: '',
  allow: [],
  ...more,
});

test('a route is closed by what is said of it or of all, each with its own list of who passes', () => {
  const maintenance = new Maintenance(() => 0);
  expect(maintenance.isOn).toBe(false);
  maintenance.replace([
    entry('*', 5_000, { text: 'all', allow: ['10.0.0.0/8', '203.0.113.7'] }),
    entry('a', 9_000, { text: 'only a', allow: ['203.0.113.7'] }),
    entry('b', 1_000),
  ]);
  expect(maintenance.isOn).toBe(true);
  expect(maintenance.closed('a', '198.51.100.1')).toEqual({ text: 'only a', remainingMs: 9_000 });
  expect(maintenance.closed('b', '198.51.100.1')).toEqual({ text: 'all', remainingMs: 5_000 });
  expect(maintenance.closed('c', '198.51.100.1')).toEqual({ text: 'all', remainingMs: 5_000 });
  expect(maintenance.closed('a', '10.1.2.3')).toEqual({ text: 'only a', remainingMs: 9_000 });
  expect(maintenance.closed('c', '10.1.2.3')).toBeUndefined();
  expect(maintenance.closed('a', '203.0.113.7')).toBeUndefined();
  maintenance.replace([]);
  expect([maintenance.isOn, maintenance.closed('a', '198.51.100.1')]).toEqual([false, undefined]);
});

test('each ends at its time, and with the last of them nothing is looked at any more', () => {
  let nowMs = 0;
  const maintenance = new Maintenance(() => nowMs);
  maintenance.replace([entry('*', 5_000), entry('a', 9_000)]);
  nowMs = 5_000;
  expect(maintenance.closed('b', '198.51.100.1')).toBeUndefined();
  expect(maintenance.closed('a', '198.51.100.1')).toEqual({ text: '', remainingMs: 4_000 });
  expect(maintenance.isOn).toBe(true);
  nowMs = 9_000;
  expect(maintenance.closed('a', '198.51.100.1')).toBeUndefined();
  expect(maintenance.isOn).toBe(false);
});
