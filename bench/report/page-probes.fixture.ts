import { z } from 'zod';

// Run inside the page, as texts: this project's types know no DOM.

/** What each drawing holds, and which of its texts lie in the plot, on each other, or outside. */
export const DRAWINGS = `[...document.querySelectorAll('svg.chart')].map((svg) => {
  const box = (e) => { const { left, right, top, bottom } = e.getBoundingClientRect(); return { left, right, top, bottom }; };
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const texts = [...svg.querySelectorAll('text')].map((e) => ({ text: e.textContent, box: box(e) })).filter(({ text }) => text !== '');
  const plot = box(svg.querySelector('.plot'));
  const all = box(svg);
  const size = (e) => { const b = e.getBBox(); return b.width * b.height; };
  return {
    title: svg.querySelector('title').textContent,
    plotArea: size(svg.querySelector('.plot')),
    bars: [...svg.querySelectorAll('.bar')].map(size),
    lines: [...svg.querySelectorAll('[data-name] .line')].map((e) => e.getTotalLength()),
    dots: svg.querySelectorAll('[data-name] .dot').length,
    inPlot: texts.filter((t) => meet(t.box, plot)).map(({ text }) => text),
    onEachOther: texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => meet(a.box, b.box)).map((b) => a.text + ' | ' + b.text)),
    outside: texts.filter(({ box }) => box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1).map(({ text }) => text),
  };
})`;

export const drawingsSchema = z.array(
  z.object({
    title: z.string(),
    plotArea: z.number(),
    bars: z.array(z.number()),
    lines: z.array(z.number()),
    dots: z.number(),
    inPlot: z.array(z.string()),
    onEachOther: z.array(z.string()),
    outside: z.array(z.string()),
  }),
);

/** Contrast (WCAG 2.2, relative luminance) of what can be seen to the nearest ground below it: texts, then shapes. */
export const CONTRASTS = `(() => {
  const parse = (c) => { const [r, g, b, a = 1] = c.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const channel = (v) => { const s = v / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
  const light = ({ r, g, b }) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const card = document.querySelector('rect.card');
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.a === 1) return c;
    }
    return card ? parse(getComputedStyle(card).fill) : { r: 255, g: 255, b: 255 };
  };
  const seen = (e, property) => ({ what: e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 30), ratio: ratio(parse(getComputedStyle(e)[property]), ground(e)) });
  const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '');
  const html = [...document.querySelectorAll('body *')].filter((e) => !e.closest('svg') && own(e)).map((e) => seen(e, 'color'));
  const svg = [...document.querySelectorAll('svg text')].map((e) => seen(e, 'fill'));
  const shapes = [
    ...[...document.querySelectorAll('.bar, .dot')].map((e) => seen(e, 'fill')),
    ...[...document.querySelectorAll('.line, .whisker, .target, .mark')].map((e) => seen(e, 'stroke')),
  ];
  return { texts: [...html, ...svg], shapes };
})()`;

const seen = z.array(z.object({ what: z.string(), ratio: z.number() }));
export const contrastsSchema = z.object({ texts: seen, shapes: seen });
