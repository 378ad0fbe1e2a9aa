import type { LookupFunction } from 'node:net';
import type { ProbeFinding, ProbeOrder } from '../../shared/health/messages.ts';
import { probe } from './probe.ts';

/** Probes every target once, at most so many at a time. Findings are in the order of the orders. */
export async function sweep(
  orders: readonly ProbeOrder[],
  { lookup, concurrency }: { readonly lookup: LookupFunction; readonly concurrency: number },
): Promise<readonly ProbeFinding[]> {
  const findings: ProbeFinding[] = [];
  const left = orders.entries();
  const worker = async (): Promise<void> => {
    for (const [at, order] of left) findings[at] = await probe(order, lookup);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, orders.length) }, worker));
  return findings;
}
