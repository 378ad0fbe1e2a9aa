import { expect, test } from 'vitest';
import { progressOn } from './progress.ts';

const MIB = 1024 * 1024;

function shown(isTTY: boolean) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const view = progressOn({ isTTY, columns: 70, write: (text) => void written.push(text) }, () => clock.nowMs);
  return { view, clock, written, last: () => (written.at(-1) ?? '').replace('\r\u001b[K', '') };
}

test('without a terminal: one line a step, whatever comes between', () => {
  const { view, written } = shown(false);
  view.report({ step: 'fetch a', doneBytes: 0, totalBytes: 3 * MIB });
  view.report({ step: 'fetch a', doneBytes: 2 * MIB, totalBytes: 3 * MIB });
  view.report({ step: 'check a' });
  view.done();
  expect(written).toEqual(['fetch a (3.0 MiB) ...\n', 'check a ...\n']);
});

test('on a terminal: bytes, rate and time left on a line that changes, and how long the step took', () => {
  const { view, clock, written, last } = shown(true);
  view.report({ step: 'fetch a', doneBytes: 0, totalBytes: 10 * MIB });
  expect(last()).toBe('fetch a  0 B of 10.0 MiB');
  clock.nowMs = 50;
  view.report({ step: 'fetch a', doneBytes: 1, totalBytes: 10 * MIB }); // too soon to be read
  expect(written).toHaveLength(1);
  clock.nowMs = 1_000;
  view.report({ step: 'fetch a', doneBytes: 2 * MIB, totalBytes: 10 * MIB });
  expect(last()).toBe('fetch a  2.0 MiB of 10.0 MiB  2.0 MiB/s  4s left');
  clock.nowMs = 4_000;
  view.report({ step: 'check a' });
  expect(written.slice(-3).join('')).toContain('fetch a: 4s\n');
  expect(last()).toBe('check a  ...');
  view.done();
  view.done(); // nothing is shown any more
  expect(written.filter((text) => text === '\n')).toHaveLength(2);
});

test('keys are counted as bytes are', () => {
  const { view, clock, last } = shown(true);
  view.report({ step: 'write', doneKeys: 0, totalKeys: 450_000 });
  expect(last()).toBe('write  0 keys of 450,000 keys');
  clock.nowMs = 2_000;
  view.report({ step: 'write', doneKeys: 50_000, totalKeys: 450_000 });
  expect(last()).toBe('write  50,000 keys of 450,000 keys  25,000 keys/s  16s left');
});

test('a size that is not known, a name that would steer the terminal, and a window that is too narrow', () => {
  const { view, clock, last } = shown(true);
  view.report({ step: 'a\u001b[2Jb', doneBytes: 10 });
  expect(last()).toBe('a\\x1b[2Jb  10 B');
  clock.nowMs = 1_000;
  view.report({ step: 'x'.repeat(100), doneBytes: 10 });
  expect(last()).toHaveLength(69);
});

test('the rate is that of what was seen, where somebody else has begun the step', () => {
  const { view, clock, last } = shown(true);
  view.report({ step: 'store', doneBytes: 5 * MIB, totalBytes: 10 * MIB });
  clock.nowMs = 2_000;
  view.report({ step: 'store', doneBytes: 7 * MIB, totalBytes: 10 * MIB });
  expect(last()).toBe('store  7.0 MiB of 10.0 MiB  1.0 MiB/s  3s left');
});

test('what is no step is said once, and goes when a step begins', () => {
  const [pipe, terminal] = [shown(false), shown(true)];
  for (const { view } of [pipe, terminal]) {
    view.say('waits');
    view.say('waits');
    view.report({ step: 'read' });
    view.done();
  }
  expect(pipe.written).toEqual(['waits\n', 'read ...\n']);
  expect(terminal.written.map((text) => text.replace('\r\u001b[K', '<'))).toEqual([
    '<waits',
    '<',
    '<read  ...',
    '<read: 0s',
    '\n',
  ]);
});
