import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenProblem, probeListen } from './listen-problem.ts';

const place = { hostSetting: 'HOST', portSetting: 'PORT' };

test('a taken port is named, with who has it and what to do', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const error = await probeListen('127.0.0.1', port);
  const [before, after] = listenProblem({ ...place, host: '127.0.0.1', port }, error).split(` (pid ${process.pid})`);
  expect(before).toMatch(new RegExp(`^HOST=127.0.0.1 PORT=${port} is taken by \\S+`));
  expect(after).toBe('. Stop it, or set PORT to a free port.');
  await new Promise((done) => server.close(done));
  expect(await probeListen('127.0.0.1', port)).toBeUndefined();
});

test('an address of another machine is named as such', async () => {
  const error = await probeListen('192.0.2.1', 0);
  expect(listenProblem({ ...place, host: '192.0.2.1', port: 0 }, error)).toContain('is not an address of this machine');
});
