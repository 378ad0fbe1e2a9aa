import { expect, it } from 'vitest';
import { disagreement } from './disagreement.ts';
import type { ByGenerator } from './disagreement.ts';

const by = (tool: string, more: Partial<ByGenerator> = {}): ByGenerator => ({
  tool,
  subject: 'gateway',
  perSecond: 60_000,
  subjectUs: 15,
  loadUs: 6,
  subjectBusy: 0.99,
  ...more,
});

it('says that they agree', () => {
  expect(disagreement([by('autocannon'), by('wrk', { perSecond: 61_000, subjectUs: 15.4 })])).toEqual([
    'gateway: by autocannon 60000 req/s at 15.0 µs, itself 6.0 µs a request, the subject 99 % busy; ' +
      'by wrk 61000 req/s at 15.4 µs, itself 6.0 µs a request, the subject 99 % busy. They agree.',
  ]);
});

it('says whose speed it was, and what waiting costs', () => {
  const [text] = disagreement([
    by('autocannon', { perSecond: 20_000, subjectUs: 19, loadUs: 45, subjectBusy: 0.38 }),
    by('wrk'),
  ]);
  expect(text).toContain('Of throughput autocannon tells its own: the subject waited for it.');
  expect(text).toContain('Of CPU autocannon tells more: the subject waits between its requests');
});

it('says nothing of a subject that only one of them had', () => {
  expect(disagreement([by('wrk')])).toEqual([]);
});
