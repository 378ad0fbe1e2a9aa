import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Receiver } from 'ws';
import { closeCode } from '../../src/workers/gateway/websocket/close-codes.ts';
import { bytesOf } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import type { SomeFrame } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import { Tunnel } from '../../src/workers/gateway/websocket/tunnel.ts';
import { TestEnd } from '../../src/workers/gateway/websocket/tunnel-end.fixture.ts';

/**
 * What the gateway lets pass is what `ws` understands, and the other way round: frames that are mostly right, spoilt in a
 * few bits, in pieces, from either side.
 */

const MOST = 300;

/** How a reader ended: `open` = it waits for more; `closed` = a close frame; else the code it refuses with. */
type End = 'open' | 'closed' | number;

interface Read {
  readonly end: End;
  readonly messages: number;
}

function byWs(pieces: readonly Buffer[], isServer: boolean): Read {
  const receiver = new Receiver({ isServer, maxPayload: MOST, skipUTF8Validation: true, allowSynchronousEvents: true });
  let messages = 0;
  let end: End = 'open';
  receiver.on('message', () => messages++);
  receiver.on('conclude', () => (end = 'closed'));
  receiver.on('error', () => undefined);
  for (const piece of pieces) {
    // Its own way to report errors is a turn later.
    (receiver as unknown as { _write: (...args: readonly unknown[]) => void })._write(
      Buffer.from(piece),
      'buffer',
      (error?: Error) => {
        const symbol = Object.getOwnPropertySymbols(error ?? {}).find((each) => each.description === 'status-code');
        if (error !== undefined && error !== null && symbol !== undefined) {
          end = (error as unknown as Record<symbol, number>)[symbol] as number;
        }
      },
    );
    if (end !== 'open') break;
  }
  return { end, messages };
}

interface Passed extends Read {
  readonly bytes: string;
  readonly reason: string;
}

function byGateway(pieces: readonly Buffer[], from: 'client' | 'upstream'): Passed {
  const ends = { client: new TestEnd(), upstream: new TestEnd() };
  let messages = 0;
  const tunnel = new Tunnel({
    ...ends,
    reserved: 'none',
    config: {
      maxMessageBytes: MOST,
      idleMs: 0,
      maxMs: 0,
      pingMs: 0,
      origins: undefined,
      messageLimits: undefined,
      onMessageRefused: 'close',
    },
    host: {
      nowMs: 0,
      onMessage: () => void messages++,
      onMessageBytes: () => {},
      onMessageRefused: () => {},
      onOver: () => {},
      onFault: (_tunnel, error) => {
        throw error;
      },
    },
  });
  tunnel.begin();
  for (const piece of pieces) ends[from].brings(piece);
  const other = from === 'client' ? ends.upstream : ends.client;
  const own = from === 'client' ? ends.client : ends.upstream;
  if (tunnel.closedBy !== 'gateway') {
    return { end: tunnel.closedBy === '' ? 'open' : 'closed', messages, bytes: other.written, reason: '' };
  }
  // Ours to a client is not masked: its code and reason can be read there.
  const said = from === 'client' ? own.written : other.written.slice(-(2 + reasonLength(other.written)));
  return { end: closeCode(said.slice(2)), messages, bytes: other.written, reason: said.slice(4) };
}

/** A close frame of ours that is not masked. Its reason is printable: what was cut off in a payload may look like one too. */
const OWN_CLOSE = /\u0088(.)(.)[\u00e8-\u00f7][ -~]*$/gsu;

/** Of the close frame at the end of what was written, which is short. */
function reasonLength(written: string): number {
  for (const { 0: frame, 1: length = '', 2: codeHigh } of written.matchAll(OWN_CLOSE)) {
    if (codeHigh === '\u0003' && frame.length === 2 + length.charCodeAt(0)) return length.charCodeAt(0);
  }
  return 0;
}

/** Where the gateway is stricter than ws, or says so sooner: what ws may say then. */
const STRICTER: Readonly<Record<string, (read: Read) => boolean>> = {
  // RFC 6455, section 5.2: the minimal number of bytes must be used. ws does not look.
  'a length is written with more bytes than it needs': () => true,
  'a length is larger than any message': ({ end }) => end === 1009 || end === 'open',
  // ws says so when the one byte has come.
  'a close frame with half a code': ({ end }) => end === 1002 || end === 'open',
};

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.constantFrom(124, 125, 126, 127, 200, 299, 300, 301) },
);
const frame: fc.Arbitrary<SomeFrame> = fc
  .record({
    opcode: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(0, 1, 2, 9, 10) }, { weight: 1, arbitrary: fc.nat(15) }),
    size,
    fin: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    reserved: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
    lengthBytes: fc.oneof(
      { weight: 20, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(2 as const, 8 as const) },
    ),
  })
  .map(({ size: length, lengthBytes, ...rest }) => ({
    ...rest,
    payload: Buffer.alloc(length, 0x61),
    ...(lengthBytes === undefined ? {} : { lengthBytes }),
  }));
const close: fc.Arbitrary<SomeFrame> = fc
  .oneof(fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1012, 1015, 2999, 3000, 4999, 5000), fc.nat(65_535))
  .map((code) => ({ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff, 0x61]) }));
const frames = fc.array(fc.oneof({ weight: 8, arbitrary: frame }, { weight: 1, arbitrary: close }), {
  minLength: 1,
  maxLength: 12,
});
const spoilt = fc.array(fc.tuple(fc.nat(400), fc.nat(7)), { maxLength: 2 });
const cuts = fc.array(fc.nat(400), { maxLength: 6 });
const masks = fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });

function piecesOf(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i, all) => bytes.subarray(i === 0 ? 0 : (all[i - 1] as number), end));
}

describe.each(['client', 'upstream'] as const)('frames from the %s', (from) => {
  const masked = from === 'client';
  const seen = new Map<End, number>();

  test.prop([frames, masks, fc.record({ bits: spoilt, places: cuts })], { numRuns: 3_000 })(
    'pass exactly where ws understands them, and end with its code where it does not',
    (each, asItShould, { bits, places }) => {
      const mask = masked === asItShould ? Buffer.from([1, 2, 3, 4]) : undefined;
      const bytes = Buffer.concat(each.map((one) => bytesOf({ ...one, mask })));
      for (const [at, bit] of bits) {
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ (1 << bit);
      }
      const pieces = piecesOf(bytes, places).filter(({ length }) => length > 0);
      const ws = byWs(pieces, masked);
      const ours = byGateway(pieces, from);
      seen.set(ours.end, (seen.get(ours.end) ?? 0) + 1);
      const stricter = STRICTER[ours.reason];
      if (stricter !== undefined) {
        expect(stricter(ws)).toBe(true);
        return;
      }
      expect(ours.end).toBe(ws.end);
      // Nothing is added to what came but a close frame of ours at the end, and nothing left out before it.
      const ownLength = typeof ours.end === 'number' ? (masked ? 8 : 4) + ours.reason.length : 0;
      const passed = ours.bytes.slice(0, ours.bytes.length - ownLength);
      expect(bytes.toString('latin1').startsWith(passed)).toBe(true);
      // Ours counts a message at its first frame, ws at its last.
      expect(ours.messages).toBeGreaterThanOrEqual(ws.messages);
      expect(ours.messages).toBeLessThanOrEqual(ws.messages + 1);
    },
  );

  test('the cases were not all of one kind', () => {
    for (const end of ['open', 'closed', 1002, 1009] as const) expect(seen.get(end) ?? 0).toBeGreaterThan(20);
  });
});
