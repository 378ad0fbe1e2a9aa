import { expect, it } from 'vitest';
import { until } from '../../../test/support/wait.ts';
import { socketUpstream } from '../../../test/websocket/peers.ts';
import { HeldWebSocket } from './held-websocket.ts';

it('opens, answers pings, echoes in the midst of them, and says when it is gone', async () => {
  await using server = await socketUpstream({ echo: true });
  const held = new HeldWebSocket(new URL(`${server.url}/ws`));
  expect(await held.opened).toBeUndefined();
  const peer = await server.peer(0);
  peer.socket.ping('once');
  expect(await held.echo()).toBeUndefined();
  peer.socket.ping('again');
  peer.socket.ping('');
  await until(() => peer.seen.pongs.length === 3);
  expect(peer.seen.pongs).toEqual(['once', 'again', '']);
  expect(held.isOpen).toBe(true);
  peer.socket.terminate();
  await until(() => !held.isOpen);
  expect(await held.echo()).toBe('closed by the server');
});
