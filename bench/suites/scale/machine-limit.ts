import type { MeasuredRun } from '../../shared/measured-run.ts';
import { summarize } from '../../shared/statistics.ts';

/** Of all cores together; the kernel and the bench itself need the rest. */
const MACHINE_BUSY = 0.85;

/**
 * Why no throughput may be compared: in most of these runs gateway, load, upstream and Redis together used up the whole
 * machine, so more threads or nodes had nothing to run on. Undefined = it may.
 */
export function machineLimit(runs: readonly Pick<MeasuredRun, 'busyCores'>[], cores: number): string | undefined {
  const totals = runs.map(({ busyCores }) => Object.values(busyCores).reduce((sum, busy) => sum + busy, 0));
  const busy = summarize(totals)?.median ?? 0;
  if (busy < cores * MACHINE_BUSY) return undefined;
  return `the machine was the limit: ${busy.toFixed(1)} of its ${cores} cores were busy`;
}
