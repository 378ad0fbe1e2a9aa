/** Text that is HTML or SVG already. Only `markup` makes one, so nothing read from a file can pass for it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupValue = string | number | Markup | readonly MarkupValue[] | undefined;

const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * Text for an element or a quoted attribute, in HTML and in XML. What XML 1.0 does not allow at all (control characters,
 * halves of surrogate pairs) becomes U+FFFD, because a stand-alone SVG with one of them would not be drawn.
 */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => NAMES[character] ?? '');
}

/** A template whose values are escaped, unless they are markup themselves; lists are joined, undefined is nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

function render(value: MarkupValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeMarkup(String(value));
  return value instanceof Markup ? value.text : value.map(render).join('');
}
