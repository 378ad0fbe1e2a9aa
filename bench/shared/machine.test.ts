import { expect, it } from 'vitest';
import { chooseCores, isolationOf } from './machine.ts';
import { findProgram } from './processes.ts';

const shared = (cores: number): unknown => chooseCores({ cores });
const none = { subject: undefined, load: undefined, upstream: undefined, redis: undefined };
const hasTaskset = findProgram('taskset') !== undefined;

it('gives the subject a core to itself, and the others one each as far as they go', () => {
  expect(shared(1)).toEqual(none);
  expect(shared(2)).toEqual(hasTaskset ? { subject: 1, load: 0, upstream: 0, redis: 0 } : none);
  expect(shared(3)).toEqual(hasTaskset ? { subject: 1, load: 0, upstream: 2, redis: 2 } : none);
  expect(shared(8)).toEqual(hasTaskset ? { subject: 1, load: 0, upstream: 2, redis: 3 } : none);
});

it('says whether a system call changes the page tables, and empties the TLB', () => {
  const flags = (more: string): string => `processor\t: 0\nflags\t\t: fpu pse36 pcidx ${more}\nbugs\t\t: pcid\n`;
  expect(isolationOf('Not affected\n', flags(''))).toBe('off');
  expect(isolationOf('Mitigation; PTI\n', flags('pcid lm'))).toBe('with PCID');
  expect(isolationOf('Mitigation; PTI\n', flags('lm'))).toBe('without PCID');
  expect(isolationOf('Mitigation; PTI\n', 'Features : fp asimd\n')).toBe('unknown');
  expect(isolationOf('', flags('pcid'))).toBe('unknown');
});
