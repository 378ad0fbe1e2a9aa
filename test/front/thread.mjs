// A request thread of the native front without HTTP: takes sockets and answers whatever comes with one fixed answer.
// Runs the built program (workerData.front.dist). A request that holds one of these words does something else:
//   who     answers with the thread's slot
//   hold    answers 100 and nothing else, so that the connection stays busy
//   die     ends the thread
//   stuck   blocks the thread until workerData.front.gate says go on
import { pathToFileURL } from 'node:url';
import { parentPort as port, workerData as start } from 'node:worker_threads';

/** @param {string} path */
const load = (path) => import(pathToFileURL(`${start.front.dist}/src/${path}.js`).href);
const { nodeHandles } = await load('shared/net/handles');
const { NO_ROWS, ThreadConnections } = await load('shared/threads/connection-table');
const { openReceiver } = await load('workers/gateway/fronts/native/receiver');
const { PublicListener } = await load('workers/gateway/fronts/native/public-listener');

const { front, slot } = start;
const words = new Int32Array(start.heartbeats);
const beating = setInterval(() => Atomics.add(words, slot * 16, 1), 20);
/** @param {unknown} message */
const say = (message) => port?.postMessage(message);
const handles = nodeHandles();
const rows = front.kind === 'native' ? new ThreadConnections(front.connections, slot) : NO_ROWS;
const shared = Buffer.alloc(65_536);
/** @type {Map<number, () => void>} */
const open = new Map();
let draining = false;

/** @param {string} body */
const answer = (body) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** @param {{ text: string, index: number, address: string, write: (text: string) => void }} request */
function onRequest({ text, index, address, write }) {
  if (text.includes('die')) process.exit(1);
  rows.markBusy(index);
  if (text.includes('stuck')) {
    const gate = new Int32Array(start.front.gate);
    Atomics.store(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
  }
  if (text.includes('hold')) return write('HTTP/1.1 100 Continue\r\n\r\n');
  write(answer(text.includes('who') ? `${slot}` : text.includes('address') ? address : 'ok'));
  rows.markIdle(index, performance.now());
}

/** @param {any} handle @param {{ index: number, address: string }} peer */
function onSocket(handle, { index, address }) {
  const close = () => {
    if (!open.delete(index)) return;
    const request = new handles.ShutdownRequest();
    request.oncomplete = () => handle.close();
    if (handle.shutdown(request) !== 0) handle.close();
    rows.release(index);
  };
  open.set(index, close);
  handle.useUserBuffer(shared);
  handle.onread = () => {
    const length = handles.streamState[handles.READ_BYTES_OR_ERROR];
    if (length < 0) return close();
    const text = shared.toString('latin1', 0, length);
    const write = (/** @type {string} */ out) => handle.writeLatin1String(new handles.WriteRequest(), out);
    onRequest({ text, index, address, write });
  };
  handle.readStart();
}

let sockets = 0;
/** @param {import('node:net').Socket} socket @param {{ index: number, address: string }} peer */
function onPublicSocket(socket, { index, address }) {
  sockets++;
  socket.on('close', () => sockets--);
  socket.on('error', () => {});
  socket.on('data', (data) =>
    onRequest({ text: data.toString('latin1'), index, address, write: (text) => socket.write(text) }),
  );
  socket.on('end', () => socket.end());
  socket.resume();
}

const receiver =
  front.kind === 'native'
    ? await openReceiver({
        handles,
        front,
        slot,
        rows,
        onSocket,
        onLost: () => say({ to: 'threads', type: 'failed', reason: 'lost' }),
      })
    : undefined;
const listener = new PublicListener({
  post: (/** @type {object} */ message) => say({ to: 'acceptor', ...message }),
  maxConnections: () => 10_000,
  onSocket: onPublicSocket,
  onRefused: () => {},
});

function end() {
  clearInterval(beating);
  receiver?.close();
  say({ to: 'threads', type: 'closed', aborted: 0 });
  port?.close();
}

port?.on('message', (message) => {
  switch (message.type) {
    case 'close-idle':
      if (rows.isIdleSince(message.index, message.since)) open.get(message.index)?.();
      return;
    case 'listen':
    case 'unlisten':
      listener.receive(message);
      return;
    case 'config':
      say({ to: 'threads', type: 'config-applied', version: message.version });
      return;
    case 'drain': {
      if (draining) return;
      draining = true;
      const check = setInterval(() => {
        if (receiver?.finish() === false || open.size > 0 || sockets > 0) return;
        clearInterval(check);
        end();
      }, 5);
      return;
    }
    case 'abort':
      for (const close of open.values()) close();
      process.exit(0);
      return;
    default:
  }
});
say({ to: 'threads', type: 'listening', descriptor: undefined });
