import { expect, test } from 'vitest';
import { facts, table } from './table.ts';
import { fit, harmlessLines, paint, printable, render, span } from './text.ts';

const plain = (lines: ReturnType<typeof table>): string => lines.map((line) => render(line, false)).join('\n');

test('columns are aligned, numbers to the right, and no line ends in spaces', () => {
  const lines = table(
    [{ title: 'NAME' }, { title: 'COUNT', right: true }, { title: 'WHY' }],
    [
      ['a', 1, 'because'],
      ['longer', '12,345', ''],
    ],
  );
  expect(plain(lines)).toBe('NAME     COUNT  WHY\na            1  because\nlonger  12,345');
});

test('colours do not move columns', () => {
  const rows = [
    [span('OPEN', 'bad'), 'x'],
    [span('CLOSED', 'good'), 'y'],
  ] as const;
  const columns = [{ title: 'STATE' }, { title: 'Z' }];
  const coloured = table(columns, rows).map((line) => render(line, true));
  // oxlint-disable-next-line no-control-regex -- the colours are taken off again
  const bare = coloured.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd());
  expect(bare.join('\n')).toBe(plain(table(columns, rows)));
  expect(coloured[1]).toContain('\u001b[31mOPEN\u001b[39m');
});

test('facts have no heading', () => {
  expect(
    plain(
      facts([
        ['port', 5000],
        ['up', '1h'],
      ]),
    ),
  ).toBe('port  5000\nup    1h');
});

test('text from outside cannot steer the terminal, and is as wide as it looks', () => {
  expect(printable('a\u001b[2Jb\u202e')).toBe('a\\x1b[2Jb\\u{202e}');
  expect(paint(span('\u0007', 'bad'), true)).toBe('\u001b[31m\\x07\u001b[39m');
  expect(plain(table([{ title: 'A' }, { title: 'B' }], [['\u001b', 'x']]))).toBe('A     B\n\\x1b  x');
});

test.each([
  [20, 'abcdef'],
  [6, 'abcdef'],
  [5, 'abcd…'],
  [4, 'abc…'],
  [1, '…'],
  [0, ''],
])('a line cut to %i columns', (columns, shown) => {
  expect(render(fit([span('abc', 'bad'), span('def')], columns), false)).toBe(shown);
});

test('our own colours are all of its steering that gets to a terminal, and none without colours', () => {
  const painted = (['good', 'warn', 'bad', 'strong', 'faint'] as const).map((style) => paint(span('x', style), true));
  const text = `${painted.join('')}\n\u001b[8mhidden\u009b2J`;
  expect(harmlessLines(text, true)).toBe(`${painted.join('')}\n\\x1b[8mhidden\\x9b2J`);
  expect(harmlessLines('\u001b[31mred', false)).toBe('\\x1b[31mred');
});
