import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { untilPasses } from '../support/wait.ts';
import { statusAnswer, trafficAnswer } from '../../src/shared/admin/status.ts';
import { commandIn } from '../cli/command.ts';
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

test('they are seen by gateway status, gateway top and the traffic of the admin port, and events tell when there is room for no more', async () => {
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: { UPSTREAM_URL: upstream.url, ACCESS_LOG: 'off', WEBSOCKET_MAX_CONNECTIONS: '2', DRAIN_TIMEOUT_SECONDS: '1' },
  });
  const run = commandIn({ ADMIN_PORT: String(gateway.adminPort), STATE_DIR: gateway.stateDir });
  const url = `ws://127.0.0.1:${gateway.port}/proxy/ws`;
  const peers = [await open(url), await open(url)];
  peers[0]?.socket.send('four');
  await peers[0]?.got(1);
  const told = async (): Promise<string[]> => {
    const headers = { accept: 'application/json' };
    const answer = await fetch(`${gateway.adminUrl}/admin/events?type=websockets`, { headers });
    const events = (await answer.json()) as { message: string }[];
    return events.map(({ message }) => message);
  };
  const full = '2 WebSockets are open, as many as may be (WEBSOCKET_MAX_CONNECTIONS): new ones get 503';
  await untilPasses(async () => expect(await told()).toEqual([full]));
  const ask = async (path: string): Promise<unknown> => (await fetch(gateway.adminUrl + path)).json();
  const row = { route: 'proxy', open: 2, opened: 2, messagesReceived: 1, messagesSent: 1, messagesRefused: 0 };
  await untilPasses(async () =>
    expect(trafficAnswer.parse(await ask('/admin/traffic')).webSockets).toEqual([
      { ...row, bytesReceived: 4, bytesSent: 4 },
    ]),
  );
  expect(statusAnswer.parse(await ask('/admin/status')).threads).toMatchObject([{ webSockets: 2 }]);
  expect((await run('status')).stdout).toMatch(/THREAD.*WEBSOCKETS/);
  const { stdout } = await run('top', '--once', '--interval', '1s');
  expect(stdout).toMatch(/^WEBSOCKETS +OPEN +NEW\/S +MSG\/S IN +MSG\/S OUT +REFUSED\/S +IN +OUT$/m);
  expect(stdout).toMatch(/^proxy +2 +0/m);
  peers[1]?.socket.close(1000);
  await untilPasses(async () => expect(await told()).toEqual([full, 'WebSockets can be opened again']));
});
