import { fit, render } from '../output/text.ts';
import type { Line } from '../output/text.ts';

/** The terminal's own words (xterm control sequences, DEC private modes). */
const ENTER = '\u001b[?1049h\u001b[?25l'; // the alternate screen, without cursor
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** A terminal that knows it shows all in between at once; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H';
const END_FRAME = '\u001b[?2026l';
const CLEAR_BELOW = '\r\n\u001b[J';
const END_OF_LINE = '\u001b[K';

/** What a frame is drawn on. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
  write(text: string): void;
}

/**
 * A frame as one write: every line drawn over the one before it and its rest cleared, never the whole screen first, so
 * nothing flickers. What does not fit is cut.
 */
export function frame(lines: readonly Line[], { columns, rows, colours }: Terminal): string {
  const shown = lines.slice(0, Math.max(1, rows)).map((line) => {
    const fitted = fit(line, columns);
    const width = fitted.reduce((sum, { text }) => sum + text.length, 0);
    // After the last column the cursor still stands on it: clearing the rest would take that character away.
    return render(fitted, colours) + (width < columns ? END_OF_LINE : '');
  });
  return BEGIN_FRAME + shown.join('\r\n') + (shown.length < rows ? CLEAR_BELOW : '') + END_FRAME;
}

/** The alternate screen of a terminal; the one before comes back with `leave`. */
export class Screen {
  readonly #terminal: Terminal;
  #lines: readonly Line[] = [];
  #inside = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  enter(): void {
    this.#inside = true;
    this.#terminal.write(ENTER);
  }

  /** Safe to call twice. */
  leave(): void {
    if (!this.#inside) return;
    this.#inside = false;
    this.#terminal.write(LEAVE);
  }

  draw(lines: readonly Line[]): void {
    this.#lines = lines;
    this.redraw();
  }

  /** The same lines again: the window has another size. */
  redraw(): void {
    if (this.#inside) this.#terminal.write(frame(this.#lines, this.#terminal));
  }
}
