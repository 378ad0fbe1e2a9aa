import { printable } from '../shared/printable.ts';
import { el } from './dom.ts';
import type { Child } from './dom.ts';

/** Pieces that several panels are made of. */

/** A text from outside: never markup, its control characters shown, and its direction its own. */
export const outside = (text: string): HTMLElement => el('bdi', { class: 'outside' }, printable(text));

export type Tone = 'good' | 'warn' | 'bad' | 'idle';

/** A word with a dot whose shape and colour say the same. */
export const badge = (tone: Tone, text: string): HTMLElement => el('span', { class: `badge ${tone}` }, text);

/** A command to copy; pressing it copies it. */
export const command = (text: string): HTMLElement =>
  el('button', { class: 'command', type: 'button', 'data-copy': text, title: `Copy: ${text}` }, el('code', {}, text));

/** What a panel says where it has nothing to show. */
export const empty = (text: string): HTMLElement => el('p', { class: 'empty' }, text);

/** Left: text; right: numbers. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

export interface Row {
  readonly key: string;
  readonly cells: readonly (Child | readonly Child[])[];
  readonly tone?: Tone | 'sub' | undefined;
}

/** A table that scrolls within itself where there is no room. On a phone each cell says its column. */
export function table(label: string, columns: readonly Column[], rows: readonly Row[]): HTMLElement {
  const cells = (row: Row): HTMLElement[] =>
    row.cells.map((cell, at) => {
      const { title = '', right = false } = columns[at] ?? {};
      const children = Array.isArray(cell) ? (cell as readonly Child[]) : [cell as Child];
      const isLast = at === row.cells.length - 1;
      const spare = columns.length - at;
      const span = isLast && spare > 1 ? spare : undefined;
      const attributes = {
        class: right && span === undefined ? 'right' : undefined,
        'data-title': title,
        colspan: span,
      };
      return at === 0 ? el('th', { ...attributes, scope: 'row' }, children) : el('td', attributes, children);
    });
  const head = columns.map(({ title, right }) =>
    el(
      'th',
      { scope: 'col', class: right === true ? 'right' : undefined },
      title === '' ? el('span', { class: 'hidden' }, 'Actions') : title,
    ),
  );
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, [
    el('table', {}, [
      el('thead', {}, el('tr', {}, head)),
      el(
        'tbody',
        {},
        rows.map((row) => el('tr', { 'data-key': row.key, class: row.tone }, cells(row))),
      ),
    ]),
  ]);
}

/** A button that begins a change. @param what names it; the rest are its values */
export const action = (
  what: string,
  text: string,
  { label, ...values }: Readonly<Record<string, string>> & { readonly label: string },
): HTMLElement => {
  const data = Object.fromEntries(Object.entries(values).map(([name, value]) => [`data-${name}`, value]));
  return el(
    'button',
    { type: 'button', class: 'small', 'data-action': what, 'aria-label': `${text}: ${label}`, ...data },
    text,
  );
};

/** Pairs of a name and its value. */
export const facts = (pairs: readonly (readonly [name: string, value: Child | readonly Child[]])[]): HTMLElement =>
  el(
    'dl',
    { class: 'facts' },
    pairs.flatMap(([name, value]) => [
      el('dt', {}, name),
      el('dd', {}, Array.isArray(value) ? (value as readonly Child[]) : [value as Child]),
    ]),
  );

/** How full something is. @param share 0 to 1 */
export const level = (share: number, label: string): HTMLElement =>
  el('meter', {
    min: 0,
    max: 1,
    high: 0.8,
    low: 0.6,
    optimum: 0,
    value: Math.min(1, share).toFixed(3),
    'aria-label': label,
  });
