import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenProblem, probeListen } from './listen-problem.ts';

const place = { hostSetting: 'HOST', portSetting: 'PORT' };

test('a taken port is named, with what to do', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const error = await probeListen('127.0.0.1', port);
  expect(listenProblem({ ...place, host: '127.0.0.1', port }, error)).toBe(
    `HOST=127.0.0.1 PORT=${port} is taken by another process. Stop that process, or set PORT to a free port.`,
  );
  await new Promise((done) => server.close(done));
  expect(await probeListen('127.0.0.1', port)).toBeUndefined();
});

test('an address of another machine is named as such', async () => {
  const error = await probeListen('192.0.2.1', 0);
  expect(listenProblem({ ...place, host: '192.0.2.1', port: 0 }, error)).toContain('is not an address of this machine');
});
