import { setTimeout as delay } from 'node:timers/promises';
import { HeldConnection } from '../connections/held-connection.ts';

/** What each leaves between an answer and its next request. */
const PAUSE_MS = 20;

export interface Target {
  readonly port: number;
  /** What goes before a path. */
  readonly prefix: string;
}

/** What good clients saw. */
export interface Seen {
  /** In ms, of those that were answered with 200. */
  readonly tookMs: readonly number[];
  readonly failures: readonly string[];
}

/** Each address is a client that asks for `/ok` on a kept connection, again and again, and never a second time at once. */
export async function runGoodClients(
  { port, prefix }: Target,
  { addresses, seconds }: { readonly addresses: readonly string[]; readonly seconds: number },
): Promise<Seen> {
  const tookMs: number[] = [];
  const failures: string[] = [];
  const request = Buffer.from(`GET ${prefix}/ok HTTP/1.1\r\nHost: a\r\n\r\n`);
  const endMs = performance.now() + seconds * 1_000;
  await Promise.all(
    addresses.map(async (localAddress) => {
      const open = (): HeldConnection => new HeldConnection({ host: '127.0.0.1', port, localAddress });
      let connection = open();
      while (performance.now() < endMs) {
        const fromMs = performance.now();
        const failure = await connection.ask(request);
        if (failure === undefined) tookMs.push(performance.now() - fromMs);
        else {
          failures.push(failure);
          if (!connection.open) connection = open();
        }
        await delay(PAUSE_MS);
      }
      await connection.close();
    }),
  );
  return { tookMs, failures };
}

/** @param share in [0, 1] of them that are no greater; NaN for none */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
