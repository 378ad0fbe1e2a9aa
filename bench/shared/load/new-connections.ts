import { connect } from 'node:net';
import { answerLength } from './connection.ts';
import { requestBytes } from './open-loop.ts';
import type { LoadPlan, LoadResult } from './plan.ts';
import { Tally } from './tally.ts';

const SILENCE_MS = 10_000;

/**
 * A connection for each request, closed loop: every lane opens one, asks, reads the whole answer and the connection's end,
 * and opens the next. A server that answers and does not close fails the request.
 */
export async function runNewConnections(plan: LoadPlan, started: () => void): Promise<LoadResult> {
  const url = new URL(plan.url);
  const target = { host: url.hostname, port: Number(url.port === '' ? 80 : url.port) };
  const request = requestBytes(plan.request, url, 0);
  const startedMs = performance.now();
  const tally = new Tally(plan, startedMs);
  const endMs = startedMs + plan.seconds * 1000;
  started();
  const lane = async (): Promise<void> => {
    for (let beganMs = startedMs; beganMs < endMs; beganMs = performance.now()) {
      const status = await askOnce(target, request);
      const nowMs = performance.now();
      if (status === undefined) tally.failed(nowMs);
      else tally.answered(status, nowMs - beganMs, nowMs);
    }
  };
  await Promise.all(Array.from({ length: plan.connections }, lane));
  return tally.result(performance.now());
}

/** The status; undefined = there was no whole answer, or no end of the connection behind it. */
function askOnce(target: { host: string; port: number }, request: Buffer): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...target, noDelay: true }).setEncoding('latin1');
    let text = '';
    let ended = false;
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {}); // `close` follows
    socket.once('end', () => (ended = true));
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.once('close', () => {
      resolve(ended && answerLength(text) === text.length ? Number(text.slice(9, 12)) : undefined);
    });
    socket.write(request);
  });
}
