import { performance } from 'node:perf_hooks';
import { afterEach, expect, test, vi } from 'vitest';
import { recordingUpstream } from '../../../../test/support/http.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { testNode } from '../../../../test/targets/threads.ts';
import type { Connection, Queued } from './connection.ts';

/** More than a turn of the loop has any use for. */
const MOST_LOOKS = 1_000;

afterEach(() => void vi.restoreAllMocks());

/** A GET, as far as connections know it. */
class Asking implements Queued {
  readonly address = '10.0.0.1';
  readonly limitClient = '';
  readonly connectTimeoutMs = 5_000;
  readonly mayShare = true;
  readonly streamsFromMs = -1;
  holds = false;
  waitsIn: Queued['waitsIn'] = undefined;
  heldIn: Queued['heldIn'] = undefined;
  chainPrevious: Queued['chainPrevious'] = undefined;
  chainNext: Queued['chainNext'] = undefined;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onConnection(connection: Connection): void {
    connection.carry(this, 'GET');
    connection.write(`GET ${this.#path} HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1');
    connection.requestSent = true;
  }
  onUpstreamRead(): void {}
  onUpstreamFailed(): void {}
  onInformational(): void {}
  onFront(): void {}
  onUpstreamDrain(): void {}
  onTooSlow(): void {}
  clientPace(): number {
    return Infinity;
  }
}

test('a connection whose front comes of age between two looks at the clock does not keep the loop for ever', async () => {
  await using server = await recordingUpstream(() => '');
  const name = `127.0.0.1:${server.port}`;
  const target = testNode({ names: [name], more: ', pipelining: 4', ejection: 'never' }).target(name);
  const startMs = performance.now();
  let looks = 0;
  let read = (): number => startMs;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => read());
  try {
    target.acquire(new Asking('/first'));
    await until(() => server.requests.length === 1);

    // A front of three milliseconds is joined no more; with a machine that serves others that is any two looks apart.
    read = () => startMs + (++looks === 1 || looks > MOST_LOOKS ? 2.9 : 3.1);
    target.acquire(new Asking('/second'));
    await until(() => looks > 0);
    clock.mockRestore();
    await eventually(() => server.requests.length === 2, 'the second is at the server');
    expect(looks).toBeLessThan(MOST_LOOKS);
  } finally {
    target.destroyAll();
  }
});

/** The clock stands, so nothing here may wait by it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
