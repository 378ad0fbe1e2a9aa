/** Of the size of letters: a little above the average of the widest usual sans-serif (DejaVu), so layouts err on the side of room. */
const AVERAGE_WIDTH = 0.65;

/** How wide a text will be at most, in the units of the drawing: nothing measures fonts where a report is written. */
export const textWidth = (text: string, size: number): number => length(text) * size * AVERAGE_WIDTH;

/** How many characters there is room for. */
export const charactersIn = (width: number, size: number): number =>
  Math.max(4, Math.floor(width / (size * AVERAGE_WIDTH) + 1e-9));

/** Breaks a text after blanks, hyphens and slashes into lines of at most `most` characters; the last ends with … if cut. */
export function wrapText(text: string, { most, lines }: { readonly most: number; readonly lines: number }): string[] {
  const wrapped: string[] = [];
  let line = '';
  for (const piece of text.split(/(?<=[\s/-])/).flatMap((word) => pieces(word, most))) {
    if (length((line + piece).trimEnd()) > most) {
      wrapped.push(line.trimEnd());
      line = '';
    }
    line += line === '' ? piece.trimStart() : piece;
  }
  wrapped.push(line.trimEnd());
  const shown = wrapped.filter((one) => one !== '');
  if (shown.length <= lines) return shown;
  const last = Array.from(shown[lines - 1] ?? '').slice(0, most - 1);
  return [...shown.slice(0, lines - 1), `${last.join('').trimEnd()}…`];
}

const length = (text: string): number => Array.from(text).length;

/** A word that is too long for a line, cut anywhere. */
function pieces(word: string, most: number): string[] {
  const characters = Array.from(word);
  const count = Math.ceil(characters.length / most);
  return Array.from({ length: count }, (_, i) => characters.slice(i * most, (i + 1) * most).join(''));
}
