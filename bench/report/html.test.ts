import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import type { BenchResult } from '../shared/result.ts';
import { renderHtml } from './html.ts';
import { renderReadmeCharts } from './readme-charts.ts';
import { costFixture, limitsFixture } from './result.fixture.ts';

const ELEMENTS = new Set(
  `html head meta title style body header h1 h2 h3 p div table thead tbody tr th td a main section dl dt dd figure
   figcaption svg desc rect line path text g circle details summary ul li span footer code`.split(/\s+/),
);

const ATTRIBUTES = new Set(
  `lang charset name content http-equiv id class style scope role tabindex aria-label aria-labelledby href data-name
   viewBox width height x y x1 x2 y1 y2 cx cy r rx d text-anchor xmlns transform`.split(/\s+/),
);

/** Every tag of the document is one of ours, and it holds no other `<` or `>`. */
function expectOnlyOurMarkup(document: string): void {
  const body = document.replace('<!doctype html>', '').replace(/<style>[^<]*<\/style>/, '');
  const tag = /<\/?([a-z0-9]+)((?:\s+[a-zA-Z][a-zA-Z0-9-]*="[^"<>]*")*)\s*\/?>/g;
  expect(/.{0,60}[<>].{0,60}/.exec(body.replaceAll(tag, ''))?.[0]).toBeUndefined();
  const found = [...body.matchAll(tag)];
  const elements = new Set(found.map(([, element = '']) => element));
  const attributes = found.flatMap(([, , text = '']) => [...text.matchAll(/([a-zA-Z0-9-]+)="([^"]*)"/g)]);
  const names = new Set(attributes.map(([, name = '']) => name));
  // Sets: an `expect` for each of thousands of tags would take seconds.
  expect([...elements].filter((name) => !ELEMENTS.has(name))).toEqual([]);
  expect([...names].filter((name) => !ATTRIBUTES.has(name))).toEqual([]);
  const links = attributes.filter(([, name]) => name === 'href').map(([, , value = '']) => value);
  expect(links.filter((value) => !/^#suite-\d+$/.test(value))).toEqual([]);
}

/** The result with every text of it followed by something hostile. */
function poison(result: BenchResult, poisonText: string): BenchResult {
  const keep = new Set(['better', 'schema', 'suite', 'metric', 'startedAt', 'commit']);
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return keep.has(key) ? value : value + poisonText;
    if (Array.isArray(value)) return value.map((one) => walk(one, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, name)]));
  };
  return walk(result, '') as BenchResult;
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '" onload="alert(1)',
    "'><img src=x>",
    '</title></svg></style>',
    ']]>',
    '&lt;b&gt;',
  ),
  fc.stringMatching(/^[<>"'&=/a-z ]{0,40}$/),
);

test.prop([hostile], { numRuns: 25 })('no text of a result becomes markup', (text) => {
  const poisoned = poison(costFixture, text);
  for (const document of [renderHtml([poisoned]), ...renderReadmeCharts([poisoned]).map(({ svg }) => svg)]) {
    expectOnlyOurMarkup(document);
  }
});

it('shows each figure, ratio and check of every result, and loads nothing', () => {
  const html = renderHtml([costFixture, limitsFixture]);
  for (const text of [
    '21.40',
    '20.90–22.60',
    'at most 1.15: met',
    'at most 1.1: missed',
    'so it was the limit',
    'FAILED',
  ]) {
    expect(html).toContain(text);
  }
  expect(html).not.toContain('<script');
  expect(html.match(/https?:/g)).toBeNull();
  expect(html.match(/url\(|@import/g)).toBeNull();
});

it('gives each drawing a title and a description of its own', () => {
  const html = renderHtml([costFixture, limitsFixture]);
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, names = ''] of html.matchAll(/role="img" aria-labelledby="([^"]*)"/g)) {
    for (const name of names.split(' ')) expect(ids).toContain(name);
  }
});

it('begins with what a request costs, before the list of suites', () => {
  const html = renderHtml([limitsFixture, costFixture]);
  const places = ['id="first"', 'id="suites"', 'id="suite-1"', 'id="suite-2"'].map((text) => html.indexOf(text));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
});

it('draws for the README what forwarding costs and what limits cost', () => {
  const charts = renderReadmeCharts([limitsFixture, costFixture, { ...costFixture, suite: 'soak' }]);
  expect(charts.map(({ name }) => name)).toEqual(['cost.svg', 'limits.svg']);
  const [cost, limits] = charts.map(({ svg }) => svg);
  for (const text of ['one hot key', '10,000 keys', 'nginx + Lua + Redis', '55.10']) expect(limits).toContain(text);
  expect(limits).not.toContain('all refused');
  for (const text of ['HAProxy', '21.40', 'prefers-color-scheme:dark', 'commit 1b6a1ee0f3'])
    expect(cost).toContain(text);
  expect(renderReadmeCharts([{ ...costFixture, measures: [] }])).toEqual([]);
});

it('draws for the README what an older run has where the newest has none of it', () => {
  const later = { ...costFixture, suite: 'quick', startedAt: '2999-01-01T00:00:00.000Z' };
  expect(renderReadmeCharts([limitsFixture, later]).map(({ name }) => name)).toEqual(['cost.svg', 'limits.svg']);
});
