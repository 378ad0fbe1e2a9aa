/** How the documents that are made of the product are written. */

/** A table; `|` and line ends in a cell are escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

/** Makes names stand out as code: variables, and metrics. What is code already stays. */
export const withCode = (text: string, isName: (word: string) => boolean): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith('`')
        ? part
        : part.replace(/(\w+)(?:=\w+)?/g, (text, word: string) => (isName(word) ? code(text) : text)),
    )
    .join('');

/** Blocks with an empty line between, behind a note that says where the document comes from. */
export const document = (title: string, ...blocks: readonly string[]): string =>
  `${[
    `# ${title}`,
    '<!-- Made of the product by test/documents/recorded.test.ts; `npx vitest run test/documents -u` writes it anew. -->',
    ...blocks,
  ].join('\n\n')}\n`;
