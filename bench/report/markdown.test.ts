import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from './markdown.ts';
import { escapeMarkdown } from './markdown-escape.ts';
import { costFixture } from './result.fixture.ts';

describe('renderMarkdown', () => {
  const lines = renderMarkdown(costFixture).split('\n');

  it.each([
    '# Benchmark: cost',
    '> **1 of 2 checks failed.**',
    '- CPU: Imaginary CPU @ 2.60GHz, 2 cores',
    '- Rounds: 5 of 6 s each, warm-up 3 s',
    '| gateway | 21.40 (20.90–22.60) | 5 |',
    '| gateway | 2.310 | 1 |',
    '| GET, 130-byte JSON | gateway / HAProxy | CPU per request | 1.056 (1.010–1.124) | at most 1.15 | met |',
    '| GET, 64 KB answer | gateway / HAProxy | CPU per request | 1.180 (1.140–1.190) | at most 1.1 | missed |',
    '| GET, 130-byte JSON | gateway / HAProxy | throughput | no ratio: the load generator kept its core busy to 99 %, so it was the limit |',
    '| GET, 64 KB answer | no connection was lost | FAILED | 2 of 64 were closed |',
    '| GET, 130-byte JSON | gateway | 0.9800 | 0.6100 | 0.2200 | – |',
    '- nginx + Lua was left out: libnginx-mod-http-lua is not installed.',
  ])('says %s', (line) => {
    expect(lines).toContain(line);
  });

  it('tells rounds without load runs as such, and not as some of 0 s', () => {
    const method = { ...costFixture.method, rounds: 3, secondsPerRun: 0, warmUpSeconds: 0 };
    const text = renderMarkdown({ ...costFixture, method });
    expect(text).toContain('- Rounds: 3, without load runs\n');
    expect(text).not.toContain('of 0 s');
  });

  it('warns of a miniature run and of changes that are not committed', () => {
    const text = renderMarkdown({ ...costFixture, dirty: true, options: { miniature: true } });
    expect(text).toContain('its figures mean nothing');
    expect(text).toContain('changes that are not committed');
  });
});

test.prop([fc.string({ unit: 'binary' })])('an escaped text stays in its cell and is no markup', (text) => {
  const bare = escapeMarkdown(text).replaceAll(/\\[\\`*_[\]|~#]/g, '');
  expect(bare).not.toMatch(/[\n\r<>|`*_[\]~#\\]/);
});
