import type { LoadPlan, LoadResult } from './plan.ts';
import type { RawLine } from './raw-line.ts';
import { latencyHistogram, recordMs, runBegins, summaryOf } from './summary.ts';
import { clientBytes, echoBytes } from './websocket-frames.ts';
import type { Burst } from './websocket-frames.ts';
import { openWebSocket } from './websocket-line.ts';

/** How long the handshakes may take, and what is under way at the end. */
const PATIENCE_MS = 10_000;
const ONE: Burst = { messageBytes: 64, messages: 1 };

/** What the lines of a run share. */
interface Run {
  readonly url: URL;
  readonly burst: Buffer;
  readonly echo: Buffer;
  endMs: number;
  /** One of them is ready, through, or gone. */
  onChange(): void;
  onEchoed(latencyMs: number): void;
}

/** One WebSocket: a burst in one write, and the next when all of it has come back. */
class EchoLine {
  state: 'opening' | 'ready' | 'waiting' | 'through' | 'gone' = 'opening';
  problem = '';
  readonly #run: Run;
  readonly #line: RawLine;
  #received = 0;
  #sentMs = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#line = openWebSocket(run.url, {
      onReady: () => this.#become('ready'),
      onBytes: (bytes, length) => this.#onBytes(bytes, length),
      onGone: (why) => this.#fail(why),
    });
  }

  send(): void {
    this.state = 'waiting';
    this.#received = 0;
    this.#sentMs = performance.now();
    this.#line.write(this.#run.burst);
  }

  close(): void {
    this.#line.destroy();
  }

  #onBytes(bytes: Buffer, length: number): void {
    const { echo, endMs } = this.#run;
    // Where a burst begins must stand a header as it was sent: a close frame, or an error, is none.
    if (this.#received === 0 && (bytes[0] !== echo[0] || (length > 1 && bytes[1] !== echo[1]))) {
      return this.#fail(
        `something else than the echo came: ${bytes.subarray(0, Math.min(length, 32)).toString('hex')}`,
      );
    }
    this.#received += length;
    if (this.#received < echo.length) return;
    if (this.#received > echo.length) return this.#fail('more came back than was sent');
    const nowMs = performance.now();
    this.#run.onEchoed(nowMs - this.#sentMs);
    if (nowMs < endMs) this.send();
    else this.#become('through');
  }

  #fail(why: string): void {
    this.problem = why;
    this.#line.destroy();
    this.#become('gone');
  }

  #become(state: 'ready' | 'through' | 'gone'): void {
    this.state = state;
    this.#run.onChange();
  }
}

/**
 * Messages echoed, closed loop, on WebSockets that are all open before the first is sent: `requests` are messages, a
 * latency is that of a whole burst. Bytes are counted, not read; whether they are right is looked at before (`expectEcho`).
 */
export async function runWebSocketEcho(plan: LoadPlan, started: () => void): Promise<LoadResult> {
  const burst = plan.request.websocket ?? ONE;
  const latencyUs = latencyHistogram();
  let bursts = 0;
  let changed = (): void => {};
  const run: Run = {
    url: new URL(plan.url),
    burst: clientBytes(burst),
    echo: echoBytes(burst),
    endMs: 0,
    onChange: () => changed(),
    onEchoed(latencyMs) {
      bursts++;
      recordMs(latencyUs, latencyMs);
    },
  };
  const lines = Array.from({ length: plan.connections }, () => new EchoLine(run));
  const allAre = (states: readonly EchoLine['state'][], withinMs: number): Promise<void> =>
    new Promise((resolve) => {
      const patience = setTimeout(resolve, withinMs);
      changed = () => {
        if (!lines.every(({ state }) => states.includes(state))) return;
        clearTimeout(patience);
        resolve();
      };
      changed();
    });
  await allAre(['ready', 'gone'], PATIENCE_MS);
  const ready = lines.filter(({ state }) => state === 'ready');
  for (const line of lines) if (line.state === 'opening') line.close(); // too late for it
  const begin = runBegins(performance.now());
  run.endMs = begin.startedMs + plan.seconds * 1000;
  started();
  for (const line of ready) line.send();
  await allAre(['through', 'gone', 'opening'], plan.seconds * 1000 + PATIENCE_MS);
  const seen = summaryOf(latencyUs, begin, performance.now());
  for (const line of lines) line.close();
  const lost = lines.filter(({ state }) => state !== 'through');
  return {
    requests: bursts * burst.messages,
    statuses: {},
    errors: lost.length,
    ...seen,
    timeline: [],
    problems: problemsOf(lost, bursts),
  };
}

function problemsOf(lost: readonly EchoLine[], bursts: number): string[] {
  const [first] = lost;
  const why = first?.problem === '' ? 'no answer in time' : first?.problem;
  return [
    ...(first === undefined ? [] : [`WebSockets lost: ${lost.length} (${why})`]),
    ...(bursts === 0 ? ['no request was answered'] : []),
  ];
}

/** One burst on a WebSocket of its own. @throws Error that says what differs from the same frames coming back */
export async function expectEcho(url: string, burst: Burst): Promise<void> {
  const wanted = echoBytes(burst);
  const parts: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`${length} of ${wanted.length} bytes came back`)), PATIENCE_MS);
    const over = (error?: Error): void => {
      clearTimeout(patience);
      line.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const line = openWebSocket(new URL(url), {
      onReady: () => line.write(clientBytes(burst)),
      onBytes(bytes, count) {
        parts.push(Buffer.from(bytes.subarray(0, count)));
        length += count;
        if (length >= wanted.length) over();
      },
      onGone: (why) => over(new Error(why)),
    });
  });
  if (!Buffer.concat(parts).equals(wanted)) throw new Error('other bytes came back than were sent');
}
