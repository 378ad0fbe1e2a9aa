/** One of the three targets, which behaves as it is told. Argument: its port. Goes when the parent goes. */
import { createServer } from 'node:http';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { goWithParent } from '../../shared/go-with-parent.ts';
import { SLOWED, USUAL_MS } from './protocol.ts';
import type { Behaviour, FromTarget, ToTarget } from './protocol.ts';

let behaviour: Behaviour = 'well';
let underWay = 0;
const say = (message: FromTarget): void => void process.send?.(message);

const server = createServer((req, res) => {
  if (behaviour === 'reset') {
    req.socket.resetAndDestroy();
    return;
  }
  underWay++;
  res.once('close', () => underWay--);
  const status = behaviour === '503' ? 503 : 200;
  const takesMs = behaviour === 'slow' ? SLOWED * USUAL_MS : USUAL_MS;
  setTimeout(() => res.writeHead(status, { 'Content-Type': 'application/json' }).end(SMALL_BODY), takesMs);
});
// As long as nginx keeps one that is idle: a connection that dies of old age is no fault of the proxy.
server.keepAliveTimeout = 75_000;

process.on('message', (message: ToTarget) => {
  ({ behaviour } = message);
  say({ type: 'behaves', underWay });
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 }, () => say({ type: 'ready' }));
goWithParent();
