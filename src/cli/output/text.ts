import { inspect, styleText } from 'node:util';
import { printable, UNPRINTABLE } from '../../shared/printable.ts';

export { printable } from '../../shared/printable.ts';

/** How a piece of text stands out; `plain` does not. */
export type Style = 'plain' | 'good' | 'warn' | 'bad' | 'strong' | 'faint';

/** A piece of a line. Its text is measured without the style, so columns stay aligned with colours. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

const FORMATS = { good: 'green', warn: 'yellow', bad: 'red', strong: 'bold', faint: 'gray' } as const;

/** Whether there are colours is decided by CliIo; newer Node versions would look at stdout themselves. */
const HERE = { validateStream: false } as const;

/** The same in notations that know `\uNNNN` inside quotes (JSON, YAML); line breaks, which are between things there, stay. */
export const escaped = (text: string): string =>
  text.replace(UNPRINTABLE, (char) =>
    char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Whether {@link escaped} would change it. */
export const needsEscapes = (text: string): boolean => escaped(text) !== text;

/** What `paint` writes around a text, or one character that is not printable. */
const STEERING = new RegExp(
  `\\u001b\\[(?:${Object.values(FORMATS)
    .flatMap((format) => inspect.colors[format] ?? [])
    .join('|')})m|${UNPRINTABLE.source}`,
  'g',
);

/** The last thing before any output: lines as they are, with our own colours if there are any, and nothing else that steers. */
export const harmlessLines = (text: string, colours: boolean): string =>
  text.replace(STEERING, (found) => (found === '\n' || (colours && found.length > 1) ? found : printable(found)));

/** A span as it goes to stdout. */
export function paint({ text, style }: Span, colours: boolean): string {
  const harmless = printable(text);
  return colours && style !== 'plain' ? styleText(FORMATS[style], harmless, HERE) : harmless;
}

/** A line as it goes to stdout, without spaces at its end. */
export function render(line: Line, colours: boolean): string {
  const text = line.map((each) => paint(each, colours)).join('');
  return colours ? text : text.trimEnd();
}

/** The line cut to so many columns, the last one an ellipsis where something is missing. */
export function fit(line: Line, columns: number): Line {
  const spans: Span[] = [];
  let left = columns;
  for (const { text, style } of line) {
    const harmless = printable(text);
    if (harmless.length > left) {
      spans.push({ text: `${harmless.slice(0, Math.max(0, left - 1))}${left > 0 ? '…' : ''}`, style });
      return spans;
    }
    spans.push({ text: harmless, style });
    left -= harmless.length;
  }
  return spans;
}
