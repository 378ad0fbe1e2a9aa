import { randomBytes, randomFillSync } from 'node:crypto';
import { latin1 } from '../upstream/http-bytes.ts';
import { OPCODE } from './frame-reader.ts';

/**
 * Control frames that the gateway itself sends, as text of one char a byte. What goes to an upstream is masked with a
 * mask of its own that nobody can foresee (RFC 6455, section 5.3).
 */

const FIN = 0x80;
const MASKED = 0x80;
/** RFC 6455, section 5.5.1: the reason, beside the code. */
const MOST_REASON_BYTES = 123;
/** Of a ping of ours: so many random bytes that no ping of a peer's is taken for one. */
export const PING_BYTES = 8;

const maskPool = Buffer.allocUnsafeSlow(1024);
let maskAt = maskPool.length;

function nextMask(): Uint8Array {
  if (maskAt === maskPool.length) {
    randomFillSync(maskPool);
    maskAt = 0;
  }
  return maskPool.subarray(maskAt, (maskAt += 4));
}

function frame(opcode: number, payload: Uint8Array, masked: boolean): string {
  const mask = masked ? nextMask() : new Uint8Array(0);
  const bytes = Buffer.alloc(2 + mask.length + payload.length);
  bytes[0] = FIN | opcode;
  bytes[1] = payload.length | (masked ? MASKED : 0);
  bytes.set(mask, 2);
  for (const [i, byte] of payload.entries()) bytes[2 + mask.length + i] = byte ^ (masked ? (mask[i & 3] as number) : 0);
  return latin1(bytes, 0, bytes.length);
}

/**
 * @param code one that may stand in a frame (RFC 6455, section 7.4)
 * @param reason ASCII, at most 123 characters
 */
export function closeFrame(code: number, reason: string, masked: boolean): string {
  const payload = Buffer.from(`\0\0${reason.slice(0, MOST_REASON_BYTES)}`, 'latin1');
  payload.writeUInt16BE(code);
  return frame(OPCODE.CLOSE, payload, masked);
}

/** What a ping of ours carries, one char a byte. */
export const pingPayload = (): string => latin1(randomBytes(PING_BYTES), 0, PING_BYTES);

export const pingFrame = (payload: string, masked: boolean): string =>
  frame(OPCODE.PING, Buffer.from(payload, 'latin1'), masked);

/**
 * Payload bytes [from, to) of a frame as they were before they were masked, one char a byte.
 * @param mask 0 = it is not masked
 */
export function unmasked(raw: string, mask: number): string {
  if (mask === 0) return raw;
  let text = '';
  for (let i = 0; i < raw.length; i++) {
    text += String.fromCharCode(raw.charCodeAt(i) ^ ((mask >>> (24 - 8 * (i & 3))) & 0xff));
  }
  return text;
}
