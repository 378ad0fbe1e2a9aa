import { describe, expect, it } from 'vitest';
import { SMALL_GET, SMALL_POST } from '../shared/exchanges.ts';
import type { BenchResult, Measure } from '../shared/result.ts';
import { firstPage } from './first-page.ts';
import { firstPageMarkdown, renderFirstPage } from './first-page-text.ts';
import { costFixture } from './result.fixture.ts';

const measure = (one: Partial<Measure> & Pick<Measure, 'subject' | 'samples'>): Measure => ({
  case: SMALL_GET.title,
  metric: 'cpu-per-request',
  unit: 'µs',
  better: 'lower',
  ...one,
});
const result = (suite: string, measures: Measure[]): BenchResult => ({ ...costFixture, suite, measures, notes: ['n'] });

const cost = result('cost', [
  measure({ subject: 'gateway, native', samples: [10, 11, 12] }),
  measure({ subject: 'gateway, native, pipelining 8', samples: [7] }),
  measure({ subject: 'HAProxy', samples: [10] }),
  measure({ subject: 'express', samples: [110] }),
]);
const quick = result('quick', [
  measure({ subject: 'gateway', samples: [99] }),
  measure({ subject: 'gateway', case: SMALL_POST.title, samples: [14] }),
  measure({ subject: 'gateway', case: 'Redis is killed and stays dead', metric: 'failed', unit: '%', samples: [0] }),
  measure({
    subject: 'nginx + Lua + Redis',
    case: 'Redis is killed and stays dead',
    metric: 'failed',
    samples: [98.76],
  }),
  measure({ subject: 'gateway, limits on', case: '60 % of saturation, 9 req/s', metric: 'p99', samples: [1.234] }),
]);

describe('firstPage', () => {
  it('takes the newest where two suites have it', () => {
    const later = { ...quick, startedAt: '2026-11-23T15:00:01.000Z' };
    for (const results of [
      [later, cost],
      [cost, later],
    ])
      expect(firstPage(results)?.rows[0]).toEqual(['gateway', '99', '14', '1.23', '0']);
  });

  it('has a row for each subject, the gateway first, and takes the longer measurement of two that are equally old', () => {
    const page = firstPage([quick, cost]);
    expect(page?.head).toEqual(['', 'GET, µs', 'POST 1 KB, µs', 'p99 at load, ms', 'fails when Redis is dead, %']);
    expect(page?.rows).toEqual([
      ['gateway', '11', '14', '1.23', '0'],
      ['HAProxy', '10 (0.909)', '–', '–', '–'],
      ['express', '110 (10)', '–', '–', '–'],
      ['nginx + Lua + Redis', '–', '–', '–', '98.8'],
    ]);
    expect(page?.remarks.join('\n')).toContain('an open loop at 60 % of saturation, 9 req/s');
    expect(page?.remarks.join('\n')).toContain(
      'From cost of 2026-11-23 (Imaginary CPU @ 2.60GHz, Linux 6.1.0-fixture, commit 1b6a1ee0f3): GET, µs.',
    );
    expect(firstPage([quick])?.remarks.join('\n')).not.toContain('From ');
    expect(page?.remarks.join('\n')).toContain('Not measured in these results: GET over TLS; shared limit');
  });

  it('is there for a terminal and as Markdown', () => {
    expect(renderFirstPage([quick])).toMatch(/^ +GET, µs.*\ngateway/);
    expect(renderFirstPage([quick])).toContain('- n');
    expect(firstPageMarkdown([cost])).toContain('| express | 110 (10) |');
  });

  it('is none of results that hold nothing of it', () => {
    expect(firstPage([result('soak', [measure({ subject: 'gateway', samples: [1] })])])).toBeUndefined();
    expect(firstPageMarkdown([])).toBe('');
  });
});
