import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { checkGateway } from './running-gateway.ts';

test('a gateway that does not answer in time is not taken as not running', async () => {
  const server = createServer(() => {}); // takes the call and says nothing
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    const env = { ADMIN_PORT: String((server.address() as AddressInfo).port) };
    const io = { env, readFile: () => '', out: () => {}, err: () => {}, colours: false };
    const { finding, status } = await checkGateway(io, { timeout: 50 });
    expect(finding).toMatchObject({ level: 'fail', found: expect.stringMatching(/did not answer in 0\.05 s\.$/) });
    expect(status).toBeUndefined();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
