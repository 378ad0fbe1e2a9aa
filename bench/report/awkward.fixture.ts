import type { BenchResult, Measure } from '../shared/result.ts';
import { costFixture } from './result.fixture.ts';

const measure = (subject: string, samples: number[], metric = 'cpu-per-request'): Measure => ({
  case: 'a case whose name goes on and on, with </title><script>document.title = "owned"</script> in it',
  subject,
  metric,
  unit: 'µs',
  better: 'lower',
  samples,
});

/** What makes layouts fail: hostile and endless texts, nothing, one, all equal, negative, huge and tiny values, many marks. */
export const awkwardFixture: BenchResult = {
  ...costFixture,
  suite: 'awkward',
  question: `<img src="http://127.0.0.1:9/x"> ${'Why? '.repeat(60)}`,
  dirty: true,
  options: { miniature: true, target: `http://127.0.0.1:8080/${'x'.repeat(200)}` },
  measures: [
    measure(`gateway-${'x'.repeat(90)}`, [1e-7, 2e-7]),
    measure('"><svg onload=alert(1)>', [123_456_789.123, 987_654_321.5]),
    measure('nothing', [0, 0], 'zero'),
    measure('below', [-5, 3, -2], 'negative'),
    measure('above', [4, 4, 4], 'negative'),
    ...Array.from({ length: 20 }, (_, i) => measure(`worker ${i}`, [i * 1.37, i * 1.4], 'many')),
  ],
  ratios: [
    {
      case: 'x'.repeat(120),
      subject: 'gateway',
      against: 'y'.repeat(80),
      metric: 'cpu-per-request',
      better: 'lower',
      samples: [40],
      target: 0.5,
    },
    { case: 'none', subject: 'a', against: 'b', metric: 'only-refused', better: 'lower', samples: [] },
  ],
  charts: [
    { title: 'empty', x: { label: '', unit: '' }, y: { label: '', unit: '' }, lines: [{ name: 'none', points: [] }] },
    {
      title: 'many lines and marks'.repeat(8),
      x: { label: 'time', unit: 's' },
      y: {
        label: 'a quantity with a long name, so long that it has to be cut somewhere'.repeat(2),
        unit: 'requests/s',
      },
      lines: Array.from({ length: 12 }, (_, k) => ({
        name: `line ${k} with a name of some length`,
        points: Array.from({ length: 20 }, (_, i): [number, number] => [i / 7, 1e6 * (k + 1) + i * 1e5]),
      })),
      marks: Array.from({ length: 14 }, (_, i) => ({
        x: i < 7 ? i / 30 : 2.4 + i / 50,
        label: `mark ${i}: something happened here`,
      })),
    },
    {
      title: 'one point',
      x: { label: 'x', unit: '' },
      y: { label: 'y', unit: '' },
      lines: [{ name: 'a', points: [[5, 5]] }],
    },
  ],
  checks: [],
  notes: ['z'.repeat(300)],
};
