import { expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { startUpstream } from '../../src/demo/server.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from './load.ts';
import { exitOf } from './run.ts';
import { freePort } from '../support/ports.ts';

describeFronts('no request is lost', (front) => {
  it('when one of two gateways behind a balancer is stopped and started again', async () => {
    await using upstream = await startUpstream();
    const env = { ...FORWARDING_ONLY, UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`, ACCESS_LOG: 'off' };
    const port = await freePort();
    await using stays = await startGateway({ front, env: { ...env, WORKERS: '2' } });
    await using goes = await startGateway({ front, env: { ...env, WORKERS: '2', PORT: String(port) } });
    await using load = startLoad({ ports: [stays.port, port], path: '/proxy/ok' });
    await load.more(200);
    goes.process.kill('SIGTERM');
    expect(await exitOf(goes.process)).toBe(0);
    await load.more(200);
    await using _back = await startGateway({ front, env: { ...env, WORKERS: '2', PORT: String(port) } });
    await load.more(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    // Half of the eight clients were on the one that went, and were told.
    expect(load.sentAway).toBeGreaterThanOrEqual(4);
    expect(goes.log.some((line) => line['msg'] === 'exchanges were cut off')).toBe(false);
  });
});
