import { expect, it } from 'vitest';
import { ask, requestText, statusOf } from '../support/http.ts';
import { describeThreadedFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import { eventually } from '../support/wait.ts';
import { startLoad } from './load.ts';

const REPLACEMENTS = 6;

const message = (text: string) => (line: Readonly<Record<string, unknown>>) => line['msg'] === text;

describeThreadedFronts('a thread that is replaced in order', (front) => {
  it('loses no request, again and again, of clients that keep their connections and of those that do not', async () => {
    await using pair = await startPair({ front, env: { WORKERS: '2', GATEWAY_TEST_FAULTS: 'on' } });
    const { gateway, port } = pair;
    await using kept = startLoad({ ports: [port], path: '/proxy/kept', clients: 12 });
    await using fresh = startLoad({ ports: [port], path: '/proxy/fresh', clients: 8, newConnections: true });
    await kept.more(50);
    for (let i = 1; i <= REPLACEMENTS; i++) {
      const fault = requestText('GET', '/proxy/fault', ['X-Gateway-Test-Fault: throw-later', 'Connection: close']);
      expect(statusOf(await ask(port, fault))).toBe(200);
      const serve = (): boolean => gateway.log.filter(message('request thread serves')).length === 2 + i;
      await eventually(serve, `replacement ${i} serves`, 10_000);
      await kept.more(30);
      await fresh.more(30);
    }
    await Promise.all([kept.stop(), fresh.stop()]);
    expect([...kept.failures, ...fresh.failures]).toEqual([]);
    const ended = (): boolean => gateway.log.filter(message('request thread ended')).length === REPLACEMENTS;
    await eventually(ended, 'every thread that was replaced has ended', 10_000);
    expect(kept.sentAway).toBeGreaterThan(0);
  });
});
