/** What the bench's WebSocket clients say and expect to hear (RFC 6455). */

/** Key and accept of the example in section 1.3: nothing here is a secret. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** FIN and the opcode. */
const BINARY = 0x82;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;
/** Not 0, so that the other side has the work of taking it away. */
const MASK = Buffer.from([0x5a, 0x3c, 0x96, 0xe1]);

/** Messages of one size, so many in one write. */
export interface Burst {
  readonly messageBytes: number;
  readonly messages: number;
}

export function handshakeBytes(url: URL): Buffer {
  return Buffer.from(
    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
}

/** `more` while its head is not whole, `switched`, or in words why it is not. */
export function judgeHandshake(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 'more';
  if (!text.startsWith('HTTP/1.1 101 ')) return `status ${text.slice(9, 12)} instead of 101`;
  return text.slice(0, end).includes(ACCEPT) ? 'switched' : 'a 101 for another key';
}

/** What the client sends. */
export const clientBytes = (burst: Burst): Buffer => repeated(burst, (payload) => maskedFrame(BINARY, payload));

/** The same messages as an echo that changes no frame sends them. */
export const echoBytes = (burst: Burst): Buffer =>
  repeated(burst, (payload) => Buffer.concat([header(BINARY, payload.length, 0), payload]));

/** The answer to a ping that came alone and whole; undefined = these bytes are none. */
export function pongTo(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== PING || bytes.length < 2 || bytes.length !== 2 + (bytes[1] ?? 0)) return undefined;
  return maskedFrame(PONG, bytes.subarray(2));
}

function repeated({ messageBytes, messages }: Burst, frameOf: (payload: Buffer) => Buffer): Buffer {
  const frame = frameOf(Buffer.alloc(messageBytes, 'What goes out comes back. '));
  return Buffer.concat(Array.from({ length: messages }, () => frame));
}

function maskedFrame(first: number, payload: Buffer): Buffer {
  const masked = payload.map((byte, i) => byte ^ (MASK[i & 3] ?? 0));
  return Buffer.concat([header(first, payload.length, MASKED), MASK, masked]);
}

/** @param length up to 65,535 */
function header(first: number, length: number, masked: number): Buffer {
  if (length < 126) return Buffer.from([first, masked | length]);
  return Buffer.from([first, masked | 126, length >> 8, length & 0xff]);
}
