import { describe, expect, it } from 'vitest';
import { nodeHandles } from '../../src/shared/net/handles.ts';
import type { SocketName } from '../../src/shared/net/handles.ts';
import { FRONTS } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { freePort } from '../support/ports.ts';
import { countingUpstream, numberedLoad } from './numbered-load.ts';
import { exitOf } from './run.ts';

/** A socket as systemd keeps it: bound, held while nobody serves, and never accepted on. */
function heldSocket(): { readonly fd: number; readonly port: number } & Disposable {
  const handles = nodeHandles();
  if (handles === undefined) throw new Error("Node's own handles are missing");
  const handle = new handles.Tcp(handles.TCP_SERVER);
  expect(handle.bind('127.0.0.1', 0)).toBe(0);
  const name: SocketName = {};
  handle.getsockname(name);
  return { fd: handle.fd, port: name.port ?? 0, [Symbol.dispose]: () => handle.close() };
}

describe.each(['front', 'supervised'] as const)('a socket that somebody else holds (%s)', (as) => {
  it('a restart under load refuses, resets and doubles nothing: clients wait', async () => {
    await using upstream = await countingUpstream();
    using held = heldSocket();
    const env = {
      ...FORWARDING_ONLY,
      ACCESS_LOG: 'off',
      UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
      WORKERS: '2',
    };
    const start = (): Promise<Gateway> => startGateway({ front: 'native', as, inherited: held.fd, env });
    let gateway = await start();
    try {
      expect(gateway.port).toBe(held.port);
      await using load = numberedLoad(held.port);
      await load.more(100);
      for (let restarts = 0; restarts < 3; restarts++) {
        gateway.process.kill('SIGTERM');
        expect(await exitOf(gateway.process)).toBe(0);
        gateway = await start();
        await load.more(100);
      }
      await load.stop();
      expect(load.failures).toEqual([]);
      expect([...upstream.arrivals].filter(([, times]) => times !== 1)).toEqual([]);
    } finally {
      await gateway[Symbol.asyncDispose]();
    }
  });
});

/** uWebSockets.js, and the native front without Node's own handles. */
const OTHERS = ([...FRONTS, 'public'] as const).filter((front) => front !== 'native');

it.each(OTHERS)('FRONT=%s says that it cannot use it', async (front) => {
  using held = heldSocket();
  const port = await freePort();
  const env = { UPSTREAM_URL: 'http://127.0.0.1:1', PORT: String(port) };
  await using gateway = await startGateway({ front, inherited: held.fd, env });
  expect(gateway.port).toBe(port);
  expect(gateway.log.filter(({ msg }) => String(msg).includes('LISTEN_FDS'))).toHaveLength(1);
});
