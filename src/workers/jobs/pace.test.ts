import { expect, test } from 'vitest';
import { paced } from './pace.ts';

/** Work that takes so long by the clock, whatever else the machine does. */
function work(ms: number): void {
  const beganMs = performance.now();
  while (performance.now() - beganMs < ms);
}

test('work has its share of the time, and the chunks come whole and in order', async () => {
  async function* source(): AsyncGenerator<Buffer> {
    for (let i = 0; i < 30; i++) yield Buffer.from([i]);
  }
  const beganMs = performance.now();
  const seen: number[] = [];
  for await (const chunk of paced(source(), 0.25)) {
    work(3);
    seen.push(chunk[0] ?? -1);
  }
  expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i));
  // 90 ms of work; a busy machine only makes it longer.
  expect(performance.now() - beganMs).toBeGreaterThan(3 * 90);
});
