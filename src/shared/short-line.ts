/** Bytes of the longest line: what a pipe takes whole (PIPE_BUF). */
export const LONGEST_LINE = 4_096;
/** In the worst case a character is three bytes of UTF-8. */
const SURELY_SHORT = Math.floor(LONGEST_LINE / 3);
const CUTS = [1_024, 256, 64];

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;

function cutIn(value: unknown, length: number): unknown {
  if (typeof value === 'string') return cut(value, length);
  if (Array.isArray(value)) return value.slice(0, length / 16).map((each) => cutIn(each, length));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cutIn(each, length)]));
}

/** One line of JSON as it is or, where it is longer than a pipe takes whole, with its texts and lists cut. */
export function shortLine(line: string): string {
  if (line.length < SURELY_SHORT || Buffer.byteLength(line) <= LONGEST_LINE) return line;
  const value = JSON.parse(line) as Record<string, unknown>;
  for (const length of CUTS) {
    const short = `${JSON.stringify(cutIn(value, length))}\n`;
    if (Buffer.byteLength(short) <= LONGEST_LINE) return short;
  }
  const { level, time, pid, name, msg } = value;
  return `${JSON.stringify({ level, time, pid, name, msg: cut(String(msg), 256), leftOut: `${line.length} characters` })}\n`;
}
