import uPlot from 'uplot';
import type { ChartMinutes, PageAnswer } from '../shared/admin/page.ts';
import { byId, el, show } from './dom.ts';
import { figure, latency, percent } from './format.ts';
import { note } from './panels.ts';
import { outside } from './parts.ts';
import { printable } from '../shared/printable.ts';

type History = PageAnswer['history'];
type Values = readonly (number | null)[];

/** What the charts show; `of` is a node, '' all of them. */
export interface ChartChoice {
  readonly minutes: ChartMinutes;
  readonly of: string;
}

interface Line {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
  readonly filled?: boolean;
  readonly of: (history: History) => Values;
}

interface Chart {
  readonly id: string;
  readonly title: string;
  readonly lines: readonly Line[];
  readonly text: (value: number | null | undefined) => string;
  /** The axis goes up to so much at least. */
  readonly least: number;
}

const shareOf = (part: Values, whole: Values): Values =>
  part.map((value, i) => {
    const all = whole[i] ?? null;
    return value === null || all === null ? null : all === 0 ? 0 : Math.min(1, value / all);
  });

const CHARTS: readonly Chart[] = [
  {
    id: 'rate',
    title: 'Requests per second',
    text: figure,
    least: 1,
    lines: [{ label: 'req/s', colour: '--line-1', filled: true, of: ({ requests }) => requests }],
  },
  {
    id: 'errors',
    title: '5xx answers',
    text: percent,
    least: 0.02,
    lines: [
      {
        label: '5xx',
        colour: '--line-bad',
        filled: true,
        of: ({ errors5xx, requests }) => shareOf(errors5xx, requests),
      },
    ],
  },
  {
    id: 'refused',
    title: '429 answers',
    text: percent,
    least: 0.02,
    lines: [
      {
        label: '429',
        colour: '--line-warn',
        filled: true,
        of: ({ refused429, requests }) => shareOf(refused429, requests),
      },
    ],
  },
  {
    id: 'latency',
    title: 'Latency',
    text: latency,
    least: 0.005,
    lines: [
      { label: 'p50', colour: '--line-3', of: ({ p50 }) => p50 },
      { label: 'p95', colour: '--line-2', of: ({ p95 }) => p95 },
      { label: 'p99', colour: '--line-1', of: ({ p99 }) => p99 },
    ],
  },
];

const HEIGHT_PX = 132;
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const lastOf = (values: Values): number | null => values.findLast((value) => value !== null) ?? null;
const peakOf = (values: Values): number | null =>
  values.reduce((most, value) => (value !== null && (most === null || value > most) ? value : most), null);

/** The four charts of traffic. */
export class Charts {
  readonly #onChoice: (choice: ChartChoice) => void;
  #minutes: ChartMinutes;
  /** Whose charts; '': of all nodes. */
  #of = '';
  #history: History | undefined;
  #plots: { readonly chart: Chart; readonly plot: uPlot }[] = [];
  /** Index of the step that the pointer is over; `null`: none, so the newest is told. */
  #at: number | null = null;

  constructor({ minutes }: ChartChoice, onChoice: (choice: ChartChoice) => void) {
    this.#minutes = minutes;
    this.#onChoice = onChoice;
    byId('traffic-body').append(
      el(
        'div',
        { class: 'charts', 'data-keep': true },
        CHARTS.map(({ id, title }) => chartCard(id, title)),
      ),
    );
    this.#showChoice();
    this.#build();
    const resized = new ResizeObserver(() => this.#resize());
    for (const { id } of CHARTS) resized.observe(byId(`${id}-plot`));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
  }

  show(history: History): void {
    this.#history = history;
    const endSeconds = Date.parse(history.endAt) / 1000;
    const { length } = history.requests;
    const times = Array.from({ length }, (_, i) => endSeconds - (length - 1 - i) * history.stepSeconds);
    for (const { chart, plot } of this.#plots) {
      plot.setData([times, ...chart.lines.map(({ of }) => [...of(history)])]);
    }
    this.#tell();
  }

  /** Says whose numbers these are; where there are several nodes, lets choose one. */
  tellScope({ history: { nodes, scope, reason, of }, node }: PageAnswer): void {
    const known = this.#of === '' || nodes.includes(this.#of) ? nodes : [...nodes, this.#of];
    const isChoice = known.length > 1 && scope === 'cluster';
    const pick = byId('traffic-pick');
    pick.hidden = !isChoice;
    const choices = ['', ...known].map((name) =>
      el(
        'option',
        { value: name, 'data-key': name, selected: name === this.#of },
        name === '' ? `all ${nodes.length} nodes` : printable(name),
      ),
    );
    show(byId('traffic-node'), choices);
    show(byId('traffic-scope'), [
      ...(isChoice
        ? [of === null ? 'of the whole cluster' : 'of one node']
        : ['node ', outside(node), reason === '' ? '' : ' alone: ']),
      reason === '' ? null : el('span', { class: 'waiting' }, `${reason}, so the other nodes are not in it`),
    ]);
  }

  #build(): void {
    for (const { plot } of this.#plots) plot.destroy();
    this.#plots = CHARTS.map((chart) => ({ chart, plot: this.#plot(chart) }));
    if (this.#history !== undefined) this.show(this.#history);
  }

  #plot({ id, lines, text, least }: Chart): uPlot {
    const into = byId(`${id}-plot`);
    const axis = {
      stroke: colour('--faint'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    return new uPlot(
      {
        width: Math.max(120, into.clientWidth),
        height: HEIGHT_PX,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, sync: { key: 'traffic' }, points: { size: 6 }, drag: { x: false, y: false } },
        hooks: { setCursor: [(plot) => this.#pointed(plot.cursor.idx ?? null)] },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
        axes: [
          {
            ...axis,
            space: 60,
            size: 24,
            values: (_plot, ticks) => ticks.map((each) => clockTick(each, this.#minutes)),
          },
          { ...axis, size: 52, space: 30, values: (_plot, ticks) => ticks.map((each) => text(each)) },
        ],
        series: [
          {},
          ...lines.map(({ label, colour: name, filled }) => ({
            label,
            stroke: colour(name),
            width: 1.5,
            points: { show: false },
            spanGaps: false,
            ...(filled === true ? { fill: colour(`${name}-fill`) } : {}),
          })),
        ],
      },
      [[], ...lines.map(() => [])],
      into,
    );
  }

  #resize(): void {
    for (const { chart, plot } of this.#plots) {
      const width = byId(`${chart.id}-plot`).clientWidth;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT_PX });
    }
  }

  #pointed(at: number | null): void {
    if (at === this.#at) return;
    this.#at = at;
    this.#tell();
  }

  /** The numbers above each chart: of the step that is pointed at, or the newest. */
  #tell(): void {
    const history = this.#history;
    if (history === undefined) return;
    for (const { id, lines, text } of CHARTS) {
      const told = lines.map(({ label, colour: name, of }) => {
        const values = of(history);
        const value = this.#at === null ? lastOf(values.slice(-5)) : values[this.#at];
        return el('span', { class: `value ${name.slice(2)}` }, [
          lines.length > 1 ? el('span', { class: 'label' }, label) : null,
          el('strong', {}, text(value)),
        ]);
      });
      const peak = peakOf(lines.at(-1)?.of(history) ?? []);
      show(byId(`${id}-now`), told);
      show(byId(`${id}-peak`), [peak === null ? 'no requests' : `peak ${text(peak)}`]);
    }
  }

  #showChoice(): void {
    const choices = ([1, 15, 60] as const).map((minutes) =>
      el(
        'button',
        { type: 'button', class: 'choice', 'data-minutes': minutes, 'aria-pressed': String(minutes === this.#minutes) },
        `${minutes} min`,
      ),
    );
    note('traffic', [
      el('span', { class: 'choices', role: 'group', 'aria-label': 'Time shown', 'data-key': 'choices' }, choices),
      el('label', { class: 'pick', id: 'traffic-pick', 'data-keep': true, hidden: true }, [
        el('span', { class: 'hidden' }, 'Charts of'),
        el('select', { id: 'traffic-node' }),
      ]),
      el('span', { id: 'traffic-scope', 'data-keep': true }),
    ]);
    byId('traffic-node').onchange = (event) => {
      this.#of = (event.target as HTMLSelectElement).value;
      this.#onChoice({ minutes: this.#minutes, of: this.#of });
    };
    for (const button of byId('traffic-note').querySelectorAll('button')) {
      button.onclick = () => {
        this.#minutes = Number(button.dataset['minutes']) as ChartMinutes;
        this.#showChoice();
        this.#onChoice({ minutes: this.#minutes, of: this.#of });
      };
    }
  }
}

const chartCard = (id: string, title: string): HTMLElement =>
  el('figure', { class: 'chart', 'aria-labelledby': `${id}-title` }, [
    el('figcaption', {}, [
      el('span', { class: 'title', id: `${id}-title` }, title),
      el('span', { class: 'peak', id: `${id}-peak` }),
      el('span', { class: 'now', id: `${id}-now` }, '–'),
    ]),
    el('div', { class: 'plot', id: `${id}-plot`, 'aria-hidden': 'true' }),
  ]);

function clockTick(seconds: number, minutes: ChartMinutes): string {
  const text = new Date(seconds * 1000).toLocaleTimeString('en-GB');
  return minutes === 1 ? text : text.slice(0, 5);
}
