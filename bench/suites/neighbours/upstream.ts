/** The upstream of this suite: `/ok`, `/fail`, `/large`, `/wait/<ms>`, `/sink`. Tells its port and goes when its parent goes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { goWithParent } from '../../shared/go-with-parent.ts';

const LARGE = Buffer.alloc(50_000_000);

const server = createServer((req, res) => {
  const path = req.url ?? '';
  const answer = (): void => void res.end(SMALL_BODY);
  if (path === '/large') res.end(LARGE);
  else if (path.startsWith('/wait/')) setTimeout(answer, Number(path.slice('/wait/'.length)));
  else if (path === '/sink') req.resume().on('end', answer);
  else {
    res.statusCode = path === '/fail' ? 500 : 200;
    answer();
  }
});
server.keepAliveTimeout = 60_000;
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.send?.({ type: 'ready', port: (server.address() as AddressInfo).port });
});
goWithParent();
