import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { FrameRules } from './frame-reader.ts';
import { bytesOf, readFrames } from './frames.fixture.ts';
import type { SomeFrame } from './frames.fixture.ts';
import { closeFrame, pingFrame, pingPayload, unmasked } from './own-frames.ts';

const MASK = Buffer.from([1, 2, 3, 4]);
const CLIENT: FrameRules = { masked: true, reserved: 'none' };
const SERVER: FrameRules = { masked: false, reserved: 'none' };
const text = (payload: string, more: Partial<SomeFrame> = {}): Buffer =>
  bytesOf({ opcode: 1, payload: Buffer.from(payload), ...more });
const zeros = (length: number): Buffer => Buffer.alloc(length);

test.each([
  [0, '2+0'],
  [125, '2+125'],
  [126, '4+126'],
  [65_535, '4+65535'],
  [65_536, '10+65536'],
])('a message of %i bytes', (length, shape) => {
  expect(readFrames(SERVER, bytesOf({ opcode: 2, payload: zeros(length) }))).toEqual([
    `2 ${shape} of ${length} mask 0`,
    'between',
  ]);
});

test('the largest length that a number holds', () => {
  const head = Buffer.from([0x82, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const most = Number.MAX_SAFE_INTEGER;
  expect(readFrames(SERVER, head)).toEqual([`2 10+${most} of ${most} mask 0`, `open: ${most} and 0`]);
  head[3] = 0x20;
  expect(readFrames(SERVER, head)).toEqual(['a length is larger than any message']);
});

test('fragments with control frames between them are one message', () => {
  const bytes = Buffer.concat([
    text('ab', { fin: false, mask: MASK }),
    bytesOf({ opcode: 9, payload: zeros(3), mask: MASK }),
    bytesOf({ opcode: 0, payload: zeros(5), fin: false, mask: MASK }),
    bytesOf({ opcode: 0, payload: zeros(0), mask: MASK }),
    text('next', { mask: MASK }),
  ]);
  expect(readFrames(CLIENT, bytes)).toEqual([
    '1… 6+2 of 2 mask 16909060',
    '9 6+3 mask 16909060',
    '0… 6+5 of 7 mask 16909060',
    '0 6+0 of 7 mask 16909060',
    '1 6+4 of 4 mask 16909060',
    'between',
  ]);
});

describe.each<[string, Buffer, string]>([
  ['an opcode of the future', bytesOf({ opcode: 3, payload: zeros(0) }), 'an unknown opcode'],
  ['a control opcode of the future', bytesOf({ opcode: 11, payload: zeros(0) }), 'an unknown opcode'],
  [
    'a control frame of 126 bytes',
    bytesOf({ opcode: 9, payload: zeros(126) }),
    'a control frame is longer than 125 bytes',
  ],
  ['half a ping', bytesOf({ opcode: 9, payload: zeros(1), fin: false }), 'a control frame is fragmented'],
  ['half a close code', bytesOf({ opcode: 8, payload: zeros(1) }), 'a close frame with half a code'],
  ['a continuation of nothing', bytesOf({ opcode: 0, payload: zeros(1) }), 'a continuation of nothing'],
  ['RSV1', text('a', { reserved: 4 }), 'a reserved bit is set'],
  ['RSV2', text('a', { reserved: 2 }), 'a reserved bit is set'],
  ['a mask', text('a', { mask: MASK }), 'a frame of the server is masked'],
  [
    '16 bits for 125',
    bytesOf({ opcode: 2, payload: zeros(125), lengthBytes: 2 }),
    'a length is written with more bytes than it needs',
  ],
  [
    '64 bits for 65535',
    bytesOf({ opcode: 2, payload: zeros(65_535), lengthBytes: 8 }),
    'a length is written with more bytes than it needs',
  ],
  ['a length below zero', Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 'a length is larger than any message'],
])('refused: %s', (_name, bytes, fault) => {
  test('whole', () => expect(readFrames(SERVER, bytes)).toEqual([fault]));
  test('byte by byte', () => expect(readFrames(SERVER, bytes, [...bytes.keys()])).toEqual([fault]));
});

test('a message inside another is refused, and a frame of the client without mask', () => {
  expect(readFrames(SERVER, Buffer.concat([text('a', { fin: false }), text('b')])).at(-1)).toBe(
    'a message inside another',
  );
  expect(readFrames(CLIENT, text('a'))).toEqual(['a frame of the client is not masked']);
});

test('RSV1 is of the first frame of a message, where compression was agreed', () => {
  const rules: FrameRules = { masked: false, reserved: 'compression' };
  const first = text('a', { reserved: 4, fin: false });
  expect(readFrames(rules, Buffer.concat([first, bytesOf({ opcode: 0, payload: zeros(1) })])).at(-1)).toBe('between');
  for (const wrong of [
    Buffer.concat([first, bytesOf({ opcode: 0, payload: zeros(1), reserved: 4 })]),
    bytesOf({ opcode: 9, payload: zeros(1), reserved: 4 }),
    text('a', { reserved: 6 }),
  ]) {
    expect(readFrames(rules, wrong).at(-1)).toBe('a reserved bit is set');
  }
  expect(readFrames({ masked: false, reserved: 'any' }, text('a', { reserved: 7 })).at(-1)).toBe('between');
});

test('own frames are frames, masked where they go to an upstream', () => {
  const payload = pingPayload();
  for (const masked of [true, false]) {
    const rules = masked ? CLIENT : SERVER;
    const close = Buffer.from(closeFrame(1001, 'draining', masked), 'latin1');
    const ping = Buffer.from(pingFrame(payload, masked), 'latin1');
    const header = masked ? 6 : 2;
    const seen = readFrames(rules, Buffer.concat([close, ping])).map((line) => line.replace(/ mask .*/, ''));
    expect(seen).toEqual([`8 ${header}+10`, `9 ${header}+8`, 'between']);
    const mask = masked ? ping.readInt32BE(2) : 0;
    expect(unmasked(ping.subarray(header).toString('latin1'), mask)).toBe(payload);
  }
});

const frame = (masked: boolean): fc.Arbitrary<SomeFrame> =>
  fc.record({
    opcode: fc.constantFrom(0, 0, 1, 2, 8, 9, 10, 3, 15),
    payload: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constantFrom(125, 126, 127, 65_535, 65_536).map(zeros)),
    fin: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 0, 4, 1),
    mask: fc.constant(masked ? MASK : undefined),
  });
const cuts = fc.array(fc.nat(), { maxLength: 40 });

describe.each([
  ['a client', CLIENT],
  ['a server', SERVER],
])('split anywhere, the frames of %s are the same', (_who, rules) => {
  property.prop([fc.array(frame(rules.masked), { maxLength: 6 }), cuts])('well-formed or nearly', (frames, places) => {
    const bytes = Buffer.concat(frames.map(bytesOf));
    expect(readFrames(rules, bytes, places)).toEqual(readFrames(rules, bytes));
  });

  property.prop([fc.uint8Array({ maxLength: 60 }), cuts])('any bytes', (bytes, places) => {
    const whole = readFrames(rules, bytes);
    const parts = readFrames(rules, bytes, places);
    expect(parts).toEqual(whole);
  });
});
