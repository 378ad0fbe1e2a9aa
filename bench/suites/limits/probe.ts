/**
 * One client with one connection, in a process of its own so that it can be pinned: sends the next request when the
 * last one is answered. Arguments: port, request, and the text that answers end with.
 * The parent sends `{ count }` and gets `{ medianUs }`; it goes when the parent goes.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { goWithParent } from '../../shared/go-with-parent.ts';
import { summarize } from '../../shared/statistics.ts';

const [port, request = '', answerEnd = ''] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1').setNoDelay(true).setEncoding('latin1');
await once(socket, 'connect');

let left = 0;
let text = '';
let sentAt = 0;
let timesUs: number[] = [];

function send(): void {
  text = '';
  sentAt = performance.now();
  socket.write(request);
}

socket.on('data', (chunk: string) => {
  text += chunk;
  if (!text.endsWith(answerEnd)) return;
  timesUs.push((performance.now() - sentAt) * 1000);
  if (/^(HTTP\/1\.1 (?!200)|-)/.test(text)) fail(`unexpected answer: ${text.slice(0, 200)}`);
  else if (--left > 0) send();
  else process.send?.({ medianUs: summarize(timesUs)?.median });
});
socket.on('close', () => fail('the connection was closed'));
socket.on('error', (error) => fail(error.message));

process.on('message', ({ count }: { count: number }) => {
  timesUs = [];
  left = count;
  send();
});
goWithParent();
process.send?.({ ready: true });

function fail(what: string): void {
  console.error(`probe: ${what}`);
  process.exit(1);
}
