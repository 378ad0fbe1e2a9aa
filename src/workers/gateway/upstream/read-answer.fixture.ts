import type { KnownHead } from './known-head.ts';
import { ResponseParser } from './response-parser.ts';
import type { ParseFault, ResponseHandler } from './response-parser.ts';

/** What became of one answer, in plain values that tests can compare. */
export interface Answer {
  fault: ParseFault | undefined;
  events: string[];
  statusLine: string;
  fields: string;
  nonAscii: boolean;
  contentLength: number;
  bodyKind: string;
  body: string;
  informational: string[];
  trailers: string;
  complete: boolean;
  reusable: boolean;
  keepAliveTimeoutMs: number;
}

/** A parser with a handler that writes down what it is told; `feed` gives it one read in reused memory, as a socket does. */
export class RecordingParser {
  readonly parser: ResponseParser;
  readonly events: string[] = [];
  /** Status line and fields of each 102 and 103. */
  readonly informational: string[] = [];
  body = '';
  fault: ParseFault | undefined;
  /** Called inside every callback with its name. */
  during: (event: string) => void = () => {};
  #bodiesInRead = 0;
  // Room after what is fed, filled with bytes that would show up if they were read.
  readonly #memory = Buffer.alloc(128 * 1024, '\r\nX-Stale: 1\r\n\r\n');

  constructor(known?: KnownHead) {
    const handler: ResponseHandler = {
      onInformational: () => {
        this.informational.push(`${this.parser.statusLine}|${this.parser.fields}`);
        this.during('informational');
      },
      onHead: () => this.#record('head'),
      onBody: (chunk, start, end) => {
        this.body += chunk.toString('latin1', start, end);
        this.#record('body');
      },
      onComplete: () => this.#record('complete'),
    };
    this.parser = new ResponseParser(handler, { known, maxHeadBytes: 16_384 });
  }

  /** Feeds one read; `text` has one char per byte. */
  feed(text: string): ParseFault | undefined {
    this.#memory.write(text, 0, 'latin1');
    this.#bodiesInRead = 0;
    this.fault = this.parser.execute(this.#memory, text.length);
    if (this.#bodiesInRead > 1) throw new Error('two bodies in one read');
    return this.fault;
  }

  /** Notes an event; any number of bodies in a row are one. */
  #record(event: string): void {
    if (event === 'body') this.#bodiesInRead++;
    if (event !== 'body' || this.events.at(-1) !== 'body') this.events.push(event);
    this.during(event);
  }

  answer(): Answer {
    const { parser, events, body, fault } = this;
    return {
      fault,
      events: [...events],
      statusLine: events.includes('head') ? parser.statusLine : '',
      fields: events.includes('head') ? parser.fields : '',
      nonAscii: events.includes('head') && parser.fieldsNonAscii,
      contentLength: events.includes('head') ? parser.contentLength : -1,
      bodyKind: events.includes('head') ? parser.bodyKind : '',
      body,
      informational: [...this.informational],
      trailers: events.includes('complete') ? parser.trailers : '',
      complete: events.includes('complete'),
      reusable: events.includes('complete') && parser.reusable,
      keepAliveTimeoutMs: events.includes('head') ? parser.keepAliveTimeoutMs : -1,
    };
  }
}

/**
 * Reads one answer that arrives as `pieces` (one char per byte), up to a fault or the end of the message, then closes.
 * Pieces after the end are not fed: they are the business of a connection, see the tests on unsolicited bytes.
 */
export function readAnswer(pieces: readonly string[], method = 'GET'): Answer {
  const recording = new RecordingParser();
  recording.parser.begin(method);
  for (const piece of pieces) {
    if (!recording.parser.active) break;
    recording.feed(piece);
  }
  if (recording.parser.active) recording.fault = recording.parser.finish();
  return recording.answer();
}

/** `text` cut at the given indexes. */
export function cut(text: string, at: readonly number[]): string[] {
  const ends = [...new Set(at)].filter((i) => i > 0 && i < text.length).sort((a, b) => a - b);
  return [0, ...ends].map((start, i) => text.slice(start, ends[i] ?? text.length));
}
