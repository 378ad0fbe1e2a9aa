/**
 * The bench's upstream, in a process of its own: as cheap as it gets, so that the subject is what is measured.
 * Argument: the port, 0 = any. Tells its port to the parent and goes when the parent goes.
 */
import { App, us_socket_local_port as localPort } from 'uWebSockets.js';
import { LARGE_BODY, SMALL_BODY, sinkAnswer } from './bodies.ts';
import { goWithParent } from './go-with-parent.ts';

// Turned into bytes once, not once a request.
const small = Buffer.from(SMALL_BODY);
const large = Buffer.from(LARGE_BODY);

const app = App();
app.get('/ok', (res) => {
  res.writeHeader('Content-Type', 'application/json').end(small);
});
app.get('/bytes64k', (res) => {
  res.writeHeader('Content-Type', 'application/octet-stream').end(large);
});
app.post('/sink', (res) => {
  let received = 0;
  res.onAborted(() => {});
  res.onData((chunk, isLast) => {
    received += chunk.byteLength;
    if (isLast) res.writeHeader('Content-Type', 'application/json').end(sinkAnswer(received));
  });
});
// As slow as it is asked to be, at no cost.
app.get('/wait/:ms', (res, req) => {
  let aborted = false;
  res.onAborted(() => (aborted = true));
  setTimeout(
    () => aborted || res.cork(() => res.writeHeader('Content-Type', 'application/json').end(small)),
    Number(req.getParameter(0)),
  );
});
// Frames come back as they were; no ping of its own.
app.ws('/ws', {
  idleTimeout: 0,
  maxPayloadLength: 1024 * 1024,
  maxBackpressure: 16 * 1024 * 1024,
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
app.listen('127.0.0.1', Number(process.argv[2] ?? 0), (socket) => {
  if (socket === false) process.exit(69);
  process.send?.({ type: 'ready', port: localPort(socket) });
});
goWithParent();
