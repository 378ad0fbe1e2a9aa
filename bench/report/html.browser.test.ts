import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../shared/processes.ts';
import { awkwardFixture } from './awkward.fixture.ts';
import { groupMeasures, toldRatios } from './facts.ts';
import { renderHtml } from './html.ts';
import { CONTRASTS, contrastsSchema, DRAWINGS, drawingsSchema } from './page-probes.fixture.ts';
import { readmeDrawings, renderReadmeCharts } from './readme-charts.ts';
import { costFixture, limitsFixture } from './result.fixture.ts';

const RESULTS = [costFixture, limitsFixture, awkwardFixture];
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

let folder: string;
let context: BrowserContext;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bench-report-'));
  writeFileSync(join(folder, 'report.html'), renderHtml(RESULTS));
  for (const { name, svg } of renderReadmeCharts(RESULTS)) writeFileSync(join(folder, name), svg);
  const executablePath = findProgram('chromium') ?? findProgram('google-chrome');
  if (executablePath === undefined) throw new Error('neither chromium nor google-chrome is on PATH');
  mkdirSync(join(folder, 'profile'));
  const args = ['--headless', ...ARGS, '--disable-component-update', '--disable-sync'];
  context = await chromium.launchPersistentContext(join(folder, 'profile'), { executablePath, args, offline: true });
});

afterAll(async () => {
  await context.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a file and gives what the page did beside being read: requests, console messages, errors. */
async function open(
  file: string,
  { width, dark }: { width: number; dark: boolean },
): Promise<{ page: Page; deeds: string[] }> {
  const page = await context.newPage();
  const url = pathToFileURL(join(folder, file)).href;
  const deeds: string[] = [];
  page.on('request', (request) => {
    if (request.url() !== url) deeds.push(`request ${request.url()}`);
  });
  page.on('console', (message) => deeds.push(`console ${message.text()}`));
  page.on('pageerror', (error) => deeds.push(`error ${error.message}`));
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.goto(url, { waitUntil: 'load' });
  return { page, deeds };
}

const drawingsOf = async (page: Page): Promise<typeof drawingsSchema._output> =>
  drawingsSchema.parse(await page.evaluate(DRAWINGS));

describe.each([
  { width: 1280, dark: false },
  { width: 390, dark: true },
])('the report at $width px, dark: $dark', (look) => {
  it('holds every drawing, readable, and asks for nothing', async () => {
    const { page, deeds } = await open('report.html', look);
    const drawings = await drawingsOf(page);
    const first = readmeDrawings(RESULTS).map(({ drawing }) => drawing);
    const expected = RESULTS.flatMap((result) => [
      ...new Set(toldRatios(result).map(({ metric }) => metric)),
      ...groupMeasures(result.measures),
      ...result.charts,
    ]);
    expect(drawings).toHaveLength(first.length + expected.length);
    for (const { plotArea, bars, inPlot, onEachOther, outside } of drawings) {
      expect(plotArea).toBeGreaterThan(100);
      for (const area of bars) expect(area).toBeGreaterThan(0);
      expect({ inPlot, onEachOther, outside }).toEqual({ inPlot: [], onEachOther: [], outside: [] });
    }
    const bars = [
      ...first.flatMap(({ rows }) => rows),
      ...RESULTS.flatMap((result) => [...result.measures, ...toldRatios(result)]),
    ];
    expect(drawings.reduce((sum, drawing) => sum + drawing.bars.length, 0)).toBe(bars.length);
    const redis = drawings.find(({ title }) => title.startsWith('Slowest answer'));
    expect(redis?.lines.every((length) => length > 100)).toBe(true);
    expect(redis?.dots).toBe(60);
    expect(await page.title()).toBe('Benchmarks');
    expect(await page.evaluate('document.querySelectorAll("script, img, iframe, link").length')).toBe(0);
    expect(deeds).toEqual([]);
    await page.close();
  });

  it('has contrast and no sideways scroll', async () => {
    const { page } = await open('report.html', look);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
    const { texts, shapes } = contrastsSchema.parse(await page.evaluate(CONTRASTS));
    expect(texts.length).toBeGreaterThan(200);
    expect(texts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
    expect(shapes.filter(({ ratio }) => ratio < 3)).toEqual([]);
    const ground = String(await page.evaluate('getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]'));
    expect(Number(ground) < 60).toBe(look.dark);
    await page.close();
  });
});

it.each(['cost.svg', 'limits.svg'])('%s is a picture of its own in light and dark', async (file) => {
  for (const dark of [false, true]) {
    const { page, deeds } = await open(file, { width: 700, dark });
    const [drawing, ...others] = await drawingsOf(page);
    expect(others).toEqual([]);
    expect(drawing).toMatchObject({ inPlot: [], onEachOther: [], outside: [] });
    expect(drawing?.bars.length).toBeGreaterThanOrEqual(4);
    const { texts, shapes } = contrastsSchema.parse(await page.evaluate(CONTRASTS));
    expect([...texts.filter(({ ratio }) => ratio < 4.5), ...shapes.filter(({ ratio }) => ratio < 3)]).toEqual([]);
    expect(deeds).toEqual([]);
    await page.close();
  }
});
