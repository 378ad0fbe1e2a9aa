/**
 * One client that misbehaves, in a process of its own. Arguments: the way, the port, what goes before a path, the address
 * it comes from, and a divisor of its connections. Goes when its parent goes.
 */
import { connect } from 'node:net';
import { goWithParent } from '../../shared/go-with-parent.ts';
import { WAYS } from './ways.ts';
import type { Way, WayName } from './ways.ts';

const [name = '', port = '', prefix = '', localAddress = '', divisor = '1'] = process.argv.slice(2);
const way: Way = WAYS[name as WayName];
const first = way.first.replace('PREFIX', prefix);
const AGAIN_MS = 100;

function open(): void {
  const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress });
  socket.setNoDelay(true);
  if (!way.reads) socket.pause();
  socket.on('error', () => {}); // `close` follows
  socket.on('connect', () => first !== '' && socket.write(first));
  socket.on('data', () => {
    // Its answers are small: each comes in one piece.
    if (way.again) socket.write(first);
  });
  const drops = setInterval(() => way.everySecond !== '' && socket.write(way.everySecond), 1_000);
  socket.on('close', () => {
    clearInterval(drops);
    setTimeout(open, AGAIN_MS);
  });
}

for (let i = 0; i < Math.ceil(way.connections / Number(divisor)); i++) open();
goWithParent();
