import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { countTakenPorts, inspectLocalPorts, parsePortRange } from './local-ports.ts';

test.each([
  ['32768\t60999\n', '\n', 28_232],
  ['32768\t60999\n', '8080,40000,50000-50009,60990-61010\n', 28_232 - 1 - 10 - 10],
  ['40000 40001', '40000-40001', 0],
])('of %j without %j there are %i', (range, reserved, count) => {
  expect(parsePortRange(range, reserved)?.count).toBe(count);
});

test('a machine that does not say', () => {
  expect(parsePortRange('', '')).toBeUndefined();
});

test('the table of the kernel: by whom it goes to, whatever its state, but for listeners and ports outside the range', () => {
  const range = { from: 32_768, to: 60_999, count: 28_232 };
  const ipv4 = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 0700000A:0050 01 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:9C41 0700000A:0050 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   2: 0100007F:9C42 0700000A:0051 01 00000000:00000000 00:00000000 00000000     0        0 1 1
   3: 00000000:9C43 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   4: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1
`;
  const ipv6 = `   0: 00000000000000000000000001000000:9C40 0000000000000000FFFF00000700000A:0050 01 0:0 0:0 0 0 0 1 1
   1: 00000000000000000000000001000000:9C41 000000FD000000000000000005000000:0050 01 0:0 0:0 0 0 0 1 1`;
  const taken = countTakenPorts(ipv6, range, countTakenPorts(ipv4, range));
  expect([...taken]).toEqual([
    ['10.0.0.7:80', 3],
    ['10.0.0.7:81', 1],
    ['fd00::5:80', 1],
  ]);
});

test('connections of this machine are in it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [1, 2, 3].map(() => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const seen = inspectLocalPorts();
  for (const socket of sockets) socket.destroy();
  server.close();
  expect(seen?.taken.get(`127.0.0.1:${port}`)).toBe(3);
});
