import { drawBars } from './draw-bars.ts';
import { drawLines } from './draw-lines.ts';
import { at, SMALL } from './drawing.ts';
import type { Drawing, Drawn } from './drawing.ts';
import { Markup, markup } from './markup.ts';
import { PICTURE_STYLE } from './style.ts';
import { charactersIn, wrapText } from './text-layout.ts';

/** Fits half of a desktop page and, a fifth smaller, a telephone. */
const WIDTH = 400;
const PICTURE = { width: 640, padding: 18 };

const titleOf = (drawing: Drawing): string => (drawing.kind === 'bars' ? drawing.title : drawing.chart.title);

const draw = (drawing: Drawing, width: number): Drawn =>
  drawing.kind === 'bars' ? drawBars(drawing, width) : drawLines(drawing.chart, width);

/**
 * A drawing as an element of an HTML page that has PAGE_STYLE; its title is for screen readers only.
 * @param id unique in the page: a letter, then letters, digits and `-`
 */
export function inlineSvg(drawing: Drawing, id: string): Markup {
  const { body, height, description } = draw(drawing, WIDTH);
  return markup`<svg class="chart" role="img" aria-labelledby="${id}-title ${id}-desc" viewBox="0 0 ${WIDTH} ${at(height)}" width="${WIDTH}" height="${at(height)}">
<title id="${id}-title">${titleOf(drawing)}</title><desc id="${id}-desc">${description}</desc>${body}</svg>`;
}

/** The same as a file of its own: with its title, a line below it, a ground and colours for light and for dark. */
export function renderChartSvg(drawing: Drawing, subtitle: string): string {
  const { width, padding } = PICTURE;
  const inner = width - 2 * padding;
  const { body, height, description } = draw(drawing, inner);
  const heading = wrapText(titleOf(drawing), { most: charactersIn(inner, 15), lines: 2 });
  const small = wrapText(subtitle, { most: charactersIn(inner, SMALL), lines: 3 });
  const top = padding + heading.length * 20 + small.length * 15 + 10;
  const total = at(top + height + padding);
  return `${
    markup`<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="title desc" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}">
<title id="title">${titleOf(drawing)}</title><desc id="desc">${description}</desc><style>${new Markup(PICTURE_STYLE)}</style>
<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${at(top + height + padding - 1)}" rx="8"/>
${heading.map((line, i) => markup`<text class="heading" x="${padding}" y="${padding + 14 + i * 20}">${line}</text>`)}
${small.map((line, i) => markup`<text class="small" x="${padding}" y="${padding + heading.length * 20 + 12 + i * 15}">${line}</text>`)}
<g transform="translate(${padding} ${top})">${body}</g></svg>`.text
  }\n`;
}
