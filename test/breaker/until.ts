import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `holds`; fails with what `describe` says when it does not within the deadline. @returns ms it took */
export async function until(
  holds: () => boolean | Promise<boolean>,
  options: { readonly withinMs?: number; readonly describe?: () => unknown } = {},
): Promise<number> {
  const startMs = performance.now();
  const withinMs = options.withinMs ?? 5_000;
  while (!(await holds())) {
    if (performance.now() - startMs > withinMs) {
      throw new Error(`not within ${withinMs} ms: ${holds.toString()} ${JSON.stringify(options.describe?.())}`);
    }
    await pause(2);
  }
  return performance.now() - startMs;
}
