import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { untilPasses } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';

test('a WebSocket is seen in the metrics while it is open, and in a line of the access log when it is over', async () => {
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: { UPSTREAM_URL: upstream.url, ACCESS_LOG: 'on', WEBSOCKET_MAX_MESSAGE_BYTES: '100' },
  });
  const shown = async (): Promise<string[]> => {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith('websocket_'));
  };
  const peer = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws?secret=1`);
  for (const text of ['a', 'bc', 'def']) peer.socket.send(text);
  await peer.got(3);
  await untilPasses(async () =>
    expect(await shown()).toEqual([
      'websocket_connections_open{route="proxy"} 1',
      'websocket_connections_opened_total{route="proxy"} 1',
      'websocket_messages_total{route="proxy",direction="from_client"} 3',
      'websocket_messages_total{route="proxy",direction="from_upstream"} 3',
      'websocket_message_bytes_total{route="proxy",direction="from_client"} 6',
      'websocket_message_bytes_total{route="proxy",direction="from_upstream"} 6',
      'websocket_messages_refused_total{route="proxy"} 0',
    ]),
  );
  peer.socket.close(4321);
  const line = await gateway.waitForLog(({ outcome }) => outcome === 'websocket');
  expect(line).toMatchObject({
    path: '/proxy/ws',
    status: 101,
    bytes_received: 6,
    bytes_sent: 6,
    messages_received: 3,
    messages_sent: 3,
    closed_by: 'client',
    close_code: 4321,
  });
  const big = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws`);
  big.socket.send('x'.repeat(101));
  await big.ended();
  await untilPasses(async () =>
    expect(await shown()).toEqual(
      expect.arrayContaining([
        'websocket_connections_open{route="proxy"} 0',
        'websocket_messages_refused_total{route="proxy"} 1',
        'websocket_closed_total{route="proxy",by="client",code="4xxx"} 1',
        'websocket_closed_total{route="proxy",by="gateway",code="1009"} 1',
      ]),
    ),
  );
});
