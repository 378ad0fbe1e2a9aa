import type { BenchResult, Ratio } from '../shared/result.ts';
import { groupMeasures, judgeRatio, machineFacts, methodFacts, metricName } from './facts.ts';
import { refusedRatios, toldRatios, verdictText, warnings } from './facts.ts';
import type { Fact } from './facts.ts';
import { firstPage } from './first-page.ts';
import { readmeDrawings } from './readme-charts.ts';
import { axisText, measureBars, ratioBars } from './drawings.ts';
import { checkList, cpuTable, foldedTable, measureTable, ratioTable, table } from './html-tables.ts';
import { Markup, markup } from './markup.ts';
import { PAGE_STYLE } from './style.ts';
import { inlineSvg } from './svg.ts';

/** One HTML file that needs nothing else: no script, no network (its own policy forbids both), readable on paper too. */
export function renderHtml(results: readonly BenchResult[]): string {
  const suites = results.map((result, i) => suiteSection(result, `suite-${i + 1}`));
  return `<!doctype html>\n${
    markup`<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>${title(results)}</title>
<style>${new Markup(PAGE_STYLE)}</style></head>
<body><header><h1>${title(results)}</h1>
<p>A bar is the median of the rounds, its whisker reaches from the lowest to the highest round. Ratios are taken within each
round, so that whatever slowed a whole round cancels out. Every number is in the tables; the JSON files beside this report hold them all.</p>
</header>
<main>${firstPart(results)}${overview(results)}${suites}${refusedPart(results)}</main>
<footer>To repeat: <code>npm run bench -- SUITE</code>; the method is written down in <code>bench/README.md</code>.</footer>
</body></html>`.text
  }\n`;
}

const title = (results: readonly BenchResult[]): string =>
  results.length === 1 ? `Benchmark: ${results[0]?.suite ?? ''}` : 'Benchmarks';

function overview(results: readonly BenchResult[]): Markup {
  const rows = results.map((result, i) => {
    const { suite, question, checks, ratios, startedAt } = result;
    const kinds = ratios.map((ratio) => judgeRatio(ratio).kind);
    const count = (kind: string): number => kinds.filter((one) => one === kind).length;
    const passed = checks.filter(({ ok }) => ok).length;
    return [
      markup`<a href="#suite-${i + 1}">${suite}</a>`,
      question,
      counted([
        [count('met'), 'met'],
        [count('missed'), 'missed'],
        [count('refused'), 'no ratio'],
      ]),
      counted([
        [passed, 'passed'],
        [checks.length - passed, 'FAILED'],
      ]),
      startedAt.slice(0, 10),
    ];
  });
  return markup`<section id="suites"><h2>All suites</h2><div class="card">${table({ label: 'All suites', head: ['suite', 'question', 'targets', 'checks', 'day'], rows })}</div></section>`;
}

const counted = (counts: readonly (readonly [number, string])[]): string =>
  counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ') || '–';

function suiteSection(result: BenchResult, id: string): Markup {
  const { suite, question, checks, cpuShares, notes } = result;
  return markup`<section id="${id}"><h2>${suite}</h2><p class="question">${question}</p>
${warnings(result).map((text) => markup`<p class="warning">${text}</p>`)}
<div class="grid">${facts('Machine', machineFacts(result))}${facts('Method', methodFacts(result))}</div>
${toldRatios(result).length === 0 ? '' : ratioPart(toldRatios(result), id)}
${caseParts(result, id)}
${chartPart(result, id)}
${checks.length === 0 ? '' : markup`<h3>Checks</h3><div class="card">${checkList(checks)}</div>`}
${cpuShares.length === 0 ? '' : markup`<h3>Whose CPU it was, in cores kept busy</h3><div class="card">${cpuTable(cpuShares)}</div>`}
${notes.length === 0 ? '' : markup`<h3>Notes</h3><div class="card"><ul>${notes.map((note) => markup`<li>${note}</li>`)}</ul></div>`}
</section>`;
}

const facts = (title: string, list: readonly Fact[]): Markup =>
  markup`<div class="card"><h3 style="margin-top:0">${title}</h3><dl>${list.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>`;

/** One table and two charts, before everything else. */
function firstPart(results: readonly BenchResult[]): Markup | undefined {
  const page = firstPage(results);
  if (page === undefined) return undefined;
  const { head, rows, remarks } = page;
  const charts = readmeDrawings(results).map(({ drawing }, i) =>
    figure(drawing.title, inlineSvg(drawing, `first-${i}`)),
  );
  return markup`<section id="first"><h2>What a request costs, and what breaks</h2>
<div class="card">${table({ label: 'First', head: [...head], rows })}<ul>${remarks.map((text) => markup`<li>${text}</li>`)}</ul></div>
<div class="grid">${charts}</div></section>`;
}

/** At the very end: what could not be told, of all suites. */
function refusedPart(results: readonly BenchResult[]): Markup | undefined {
  const rows = results.flatMap((result) =>
    refusedRatios(result).map((ratio) => [
      result.suite,
      ratio.case,
      `${ratio.subject} / ${ratio.against}`,
      metricName(ratio.metric),
      verdictText(judgeRatio(ratio)),
    ]),
  );
  if (rows.length === 0) return undefined;
  return markup`<section id="refused"><h2>Ratios that are refused, and why</h2>
<div class="card">${table({ label: 'Refused', head: ['suite', 'case', 'ratio', 'of', 'why'], rows })}</div></section>`;
}

function ratioPart(ratios: readonly Ratio[], id: string): Markup {
  const figures = ratioBars(ratios).map((drawing, i) => figure(drawing.title, inlineSvg(drawing, `${id}-ratio-${i}`)));
  return markup`<h3>Ratios and their targets</h3><div class="grid">${figures}<div class="card wide">${ratioTable(ratios)}</div></div>`;
}

function caseParts({ measures }: BenchResult, id: string): Markup[] {
  const groups = groupMeasures(measures).map((group, i) => ({ group, id: `${id}-measure-${i}` }));
  const cases = [...new Set(groups.map(({ group }) => group.case))];
  return cases.map((name) => {
    const figures = groups
      .filter(({ group }) => group.case === name)
      .map(({ group, id }) => {
        const drawing = measureBars(group);
        return figure(axisText(group), inlineSvg(drawing, id), measureTable(group));
      });
    return markup`<h3>${name}</h3><div class="grid">${figures}</div>`;
  });
}

function chartPart({ charts }: BenchResult, id: string): Markup | undefined {
  if (charts.length === 0) return undefined;
  const figures = charts.map((chart, i) =>
    figure(chart.title, inlineSvg({ kind: 'lines', chart }, `${id}-chart-${i}`), foldedTable(chart)),
  );
  return markup`<h3>Over time and load</h3><div class="grid">${figures}</div>`;
}

const figure = (caption: string, svg: Markup, below?: Markup): Markup =>
  markup`<figure><figcaption>${caption}</figcaption>${svg}${below}</figure>`;
