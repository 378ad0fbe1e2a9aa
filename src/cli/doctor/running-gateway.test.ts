import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { checkGateway } from './running-gateway.ts';

test('a gateway that does not answer in time is not taken as not running', async () => {
  const server = createServer(() => {}); // takes the call and says nothing
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const over = AbortSignal.abort(new DOMException('over', 'TimeoutError'));
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(over);
  try {
    const env = { ADMIN_PORT: String((server.address() as AddressInfo).port) };
    const io = { env, readFile: () => '', out: () => {}, err: () => {}, colours: false };
    const { finding, status } = await checkGateway(io, {});
    expect(finding).toMatchObject({ level: 'fail', found: expect.stringMatching(/did not answer in 15 s\.$/) });
    expect(status).toBeUndefined();
  } finally {
    timeout.mockRestore();
    server.closeAllConnections();
    server.close();
  }
});
