import type { HeldAnswer } from '../../exchange/client-side.ts';

/** What there is of an answer whose turn has not come: one char a byte. */
export class LineAnswer implements HeldAnswer {
  text = '';
  /** Nothing more will come. */
  complete = false;
  /** The connection ends after it. */
  closes = false;
  /** It cannot be finished: the connection ends in its place. */
  cut = false;
  /** Its upstream was stopped until the client takes some of it. */
  blocked = false;

  get bytes(): number {
    return this.text.length;
  }
}
