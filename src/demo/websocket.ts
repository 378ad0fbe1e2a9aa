import { createHash } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * WebSockets of the demo upstream (RFC 6455), as plain as they can be: `/ws` sends back what comes, `/ws/feed` sends a
 * message a second.
 */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** A message larger than this is refused with 1009; the gateway's own limit is lower. */
const MOST_BYTES = 16 * 1024 * 1024;
const FEED_EVERY_MS = 1_000;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

function frameOf(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = first;
  head[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) head.writeUInt16BE(length, 2);
  else if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

const closeFrame = (code: number): Buffer => frameOf(0x80 | CLOSE, Buffer.from([code >> 8, code & 0xff]));

/** The first frame of a client; `undefined` = it is not whole, a number: what is wrong with it, as a close code. */
function readFrame(bytes: Buffer): Frame | number | undefined {
  if (bytes.length < 2) return undefined;
  const second = bytes[1] as number;
  if ((second & 0x80) === 0) return 1002;
  const short = second & 0x7f;
  const at = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < at + 4) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length > MOST_BYTES) return 1009;
  const end = at + 4 + length;
  if (bytes.length < end) return undefined;
  const mask = bytes.subarray(at, at + 4);
  const payload = bytes.subarray(at + 4, end).map((byte, i) => byte ^ (mask[i & 3] as number));
  return { first: bytes[0] as number, payload: Buffer.from(payload), end };
}

/** Answers frames until the client closes. @param echoes what it says is sent back, in the fragments it came in */
function serve(socket: Duplex, echoes: boolean): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    waiting = waiting.length === 0 ? data : Buffer.concat([waiting, data]);
    for (let frame = readFrame(waiting); frame !== undefined; frame = readFrame(waiting)) {
      if (typeof frame === 'number') return void socket.end(closeFrame(frame));
      waiting = waiting.subarray(frame.end);
      const opcode = frame.first & 0x0f;
      if (opcode === CLOSE) return void socket.end(frameOf(0x80 | CLOSE, frame.payload));
      if (opcode === PING) socket.write(frameOf(0x80 | PONG, frame.payload));
      else if (opcode !== PONG && echoes) socket.write(frameOf(frame.first, frame.payload));
    }
  });
}

function feed(socket: Duplex): void {
  let count = 0;
  const timer = setInterval(() => {
    count++;
    socket.write(frameOf(0x81, Buffer.from(`{"message":${count},"at":"${new Date().toISOString()}"}`)));
  }, FEED_EVERY_MS);
  socket.on('close', () => clearInterval(timer));
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const path = (request.url ?? '').replace(/\?.*/s, '');
  const key = request.headers['sec-websocket-key'];
  socket.on('error', () => undefined); // the client has gone; `close` follows
  if ((path !== '/ws' && path !== '/ws/feed') || key === undefined) {
    socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    return;
  }
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  serve(socket, path === '/ws');
  if (path === '/ws/feed') feed(socket);
  if (head.length > 0) socket.emit('data', head);
}

/** Takes WebSockets on the server's port. @returns ends those that are open */
export function takeWebSockets(server: Server): () => void {
  const open = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    upgrade(request, socket, head);
  });
  return () => {
    for (const socket of open) socket.end(closeFrame(1001), () => socket.destroy());
  };
}
