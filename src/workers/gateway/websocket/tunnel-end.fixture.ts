import type { EndListener, TunnelEnd } from './tunnel-end.ts';

/** A connection of which the test is the other end: what is written is kept, what it "reads" is given by hand. */
export class TestEnd implements TunnelEnd {
  written = '';
  writes = 0;
  isBlocked = false;
  bringsPieces = false;
  reading = true;
  fate: 'open' | 'finished' | 'abandoned' = 'open';
  #listener: EndListener | undefined = undefined;

  begin(listener: EndListener): void {
    this.#listener = listener;
  }

  pass({ before, bytes, from, to }: Parameters<TunnelEnd['pass']>[0]): void {
    if (this.fate !== 'open') return;
    this.writes++;
    this.written += before + bytes.toString('latin1', from, to);
  }

  say(frame: string): void {
    this.written += frame;
  }

  pauseReading(): void {
    this.reading = false;
  }

  resumeReading(): void {
    this.reading = true;
  }

  finish(): void {
    this.fate = 'finished';
    this.#listener = undefined;
  }

  abandon(): void {
    this.fate = 'abandoned';
    this.#listener = undefined;
  }

  /** It brings bytes, in memory that is used again at once. */
  brings(bytes: Uint8Array): void {
    const memory = Buffer.concat([Buffer.alloc(3), bytes]);
    this.#listener?.onBytes(memory, 3, memory.length);
    memory.fill(0xff);
  }

  drains(): void {
    this.isBlocked = false;
    this.#listener?.onDrained();
  }

  ends(): void {
    this.#listener?.onEnd();
  }
}
