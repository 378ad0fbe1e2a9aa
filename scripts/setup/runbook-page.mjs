/** @type {Readonly<Record<string, string>>} */
const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** @param {string} text */
const escaped = (text) => text.replaceAll(/[&<>"]/g, (char) => ESCAPES[char] ?? char);

/**
 * Text within a line: code, links within the document, bold.
 * @param {string} text
 */
const inline = (text) =>
  escaped(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\[([^\]]+)\]\((#[\w-]+)\)/g, '<a href="$2">$1</a>')
    .replaceAll(/\[([^\]]+)\]\([^)\s]+\)/g, '$1');

/**
 * As a heading is linked to.
 * @param {string} title
 */
const anchorOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(/\s/g, '-');

/** @param {string} row */
const cellsOf = (row) =>
  row
    .replace(/^\s*\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** @param {readonly string[]} rows of a table, with its head and the line below that */
function tableOf(rows) {
  const [head = '', , ...body] = rows;
  const line = (/** @type {string} */ row, /** @type {string} */ tag) =>
    `<tr>${cellsOf(row)
      .map((cell) => `<${tag}>${inline(cell)}</${tag}>`)
      .join('')}</tr>`;
  return `<div class="scroll" tabindex="0"><table><thead>${line(head, 'th')}</thead><tbody>${body.map((row) => line(row, 'td')).join('')}</tbody></table></div>`;
}

/**
 * The runbook as a page that the admin port serves, so that it can be read where nothing else can be reached. Knows what
 * the runbook is written in: headings, paragraphs, lists, tables, blocks of code, and comments, which are left out.
 * @param {string} text
 * @returns {string} HTML
 */
export function runbookPage(text) {
  const lines = text.replaceAll(/<!--.*?-->\n?/gs, '').split('\n');
  /** @type {string[]} */
  const out = [];
  /** @type {string[]} */
  let held = [];
  const flush = () => {
    if (held.length > 0) out.push(heldBlock(held));
    held = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,4}) (.+)$/.exec(line);
    if (line.startsWith('```')) {
      flush();
      const end = lines.findIndex((each, i) => i > at && each.startsWith('```'));
      const code = lines.slice(at + 1, end === -1 ? undefined : end);
      out.push(`<pre tabindex="0"><code>${escaped(code.join('\n'))}</code></pre>`);
      at = end === -1 ? lines.length : end;
    } else if (heading !== null) {
      flush();
      const [, marks = '', title = ''] = heading;
      out.push(`<h${marks.length} id="${anchorOf(title)}">${inline(title)}</h${marks.length}>`);
    } else if (line.trim() === '') flush();
    else held.push(line);
  }
  flush();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Runbook · Gateway</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page.css">
</head>
<body class="document">
<main>
<p><a href="./">The state of the gateway</a></p>
${out.join('\n')}
</main>
</body>
</html>
`;
}

/** @param {readonly string[]} lines without an empty one between */
function heldBlock(lines) {
  if ((lines[0] ?? '').startsWith('|')) return tableOf(lines);
  if (!/^(-|\d+\.) /.test(lines[0] ?? '')) return `<p>${inline(lines.join(' '))}</p>`;
  const tag = (lines[0] ?? '').startsWith('-') ? 'ul' : 'ol';
  const items = lines
    .join('\n')
    .split(/\n(?=(?:-|\d+\.) )/)
    .map((item) => `<li>${inline(item.replace(/^(-|\d+\.) /, '').replaceAll(/\s*\n\s*/g, ' '))}</li>`);
  return `<${tag}>${items.join('')}</${tag}>`;
}
