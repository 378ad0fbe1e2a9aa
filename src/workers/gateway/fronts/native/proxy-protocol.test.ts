import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../../shared/net/crc32c.ts';
import { ProxyHeaderReader } from './proxy-protocol.ts';
import type { ProxyHeaderStep } from './proxy-protocol.ts';

/** All pushes of a header that comes in these pieces; `consumed` is of all of them together. */
function readIn(pieces: readonly Uint8Array[]): ProxyHeaderStep {
  const reader = new ProxyHeaderReader();
  let before = 0;
  for (const piece of pieces) {
    // In the middle of a larger buffer, as reads are.
    const step = reader.push(Buffer.concat([Buffer.from('P\r'), piece, Buffer.from('\n')]), 2, 2 + piece.length);
    if (step.kind === 'done') return { ...step, consumed: before + step.consumed };
    if (step.kind === 'bad') return step;
    before += piece.length;
  }
  return { kind: 'more' };
}

const read = (bytes: Uint8Array): ProxyHeaderStep => readIn([bytes]);
const bytewise = (bytes: Uint8Array): ProxyHeaderStep => readIn(Array.from(bytes, (byte) => Uint8Array.of(byte)));
const text = (line: string): Buffer => Buffer.from(line, 'latin1');

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const FROM_TO_4 = 'c0000201c63364011f9001bb';
const ZEROS = '0'.repeat(16);
const FROM_TO_6 = `20010db8${ZEROS}00000001${'fd'.repeat(16)}1f9001bb`;

/** A header of version 2: version, command, family and transport, then the rest with its length before it; all hex. */
function v2(kind: string, rest: string, length = rest.length / 2): Buffer {
  return Buffer.from(`${SIGNATURE}${kind}${length.toString(16).padStart(4, '0')}${rest}`, 'hex');
}

/** The same with a checksum, right unless `off` says by how much not. */
function withChecksum(rest: string, off = 0): Buffer {
  const header = v2('2111', `${rest}03000400000000`);
  header.writeUInt32BE((crc32c(header) + off) >>> 0, header.length - 4);
  return header;
}

describe('a header that is right', () => {
  const one = { address: '192.0.2.1', port: 8080 };
  const six = { address: '2001:db8::1', port: 8080 };
  test.each<[string, Buffer, { address: string; port: number } | undefined]>([
    ['TCP4', text('PROXY TCP4 192.0.2.1 198.51.100.1 8080 443\r\n'), one],
    ['TCP6', text('PROXY TCP6 2001:DB8::0:1 ::1 8080 443\r\n'), six],
    ['TCP6 of an IPv4 client', text('PROXY TCP6 ::ffff:192.0.2.1 ::1 8080 443\r\n'), one],
    ['ports at their ends', text('PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n'), { ...one, port: 0 }],
    ['UNKNOWN', text('PROXY UNKNOWN\r\n'), undefined],
    ['UNKNOWN with whatever', text('PROXY UNKNOWN ffff:f \xff 65535\r\n'), undefined],
    ['the longest line', text(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), undefined],
    ['v2 IPv4', v2('2111', FROM_TO_4), one],
    ['v2 IPv6', v2('2121', FROM_TO_6), six],
    ['v2 IPv4-mapped', v2('2121', `${ZEROS}0000ffffc0000201${'fd'.repeat(16)}1f9001bb`), one],
    ['v2 LOCAL', v2('2000', ''), undefined],
    ['v2 LOCAL with an address', v2('2011', FROM_TO_4), undefined],
    ['v2 LOCAL with anything', v2('20ee', 'ff'), undefined],
    ['v2 unspecified', v2('2100', 'ff'), undefined],
    ['v2 unix', v2('2131', 'ab'.repeat(216)), undefined],
    ['v2 extensions', v2('2111', `${FROM_TO_4}01000161050000`), one],
    ['the longest v2', v2('2111', `${FROM_TO_4}0401f9${'00'.repeat(505)}`), one],
    ['v2 checksum', withChecksum(FROM_TO_4), one],
    ['v2 checksum behind another extension', withChecksum(`${FROM_TO_4}01000161`), one],
  ])('%s', (_name, header, source) => {
    const done = { kind: 'done', consumed: header.length, source };
    expect(read(header)).toEqual(done);
    expect(bytewise(header)).toEqual(done);
    expect(read(Buffer.concat([header, header]))).toEqual(done);
    for (let length = 0; length < header.length; length++) {
      expect(read(header.subarray(0, length))).toEqual({ kind: 'more' });
    }
  });
});

test.each<[string, Buffer]>([
  ['a request', text('GET / HTTP/1.1\r\n')],
  ['a TLS record', Buffer.from('160301', 'hex')],
  ['another word', text('PROXX')],
  ['two blanks', text('PROXY  TCP4 192.0.2.1 198.51.100.1 8080 443\r\n')],
  ['a blank at the end', text('PROXY TCP4 192.0.2.1 198.51.100.1 8080 443 \r\n')],
  ['lower case', text('PROXY tcp4 192.0.2.1 198.51.100.1 8080 443\r\n')],
  ['another protocol', text('PROXY UDP4 192.0.2.1 198.51.100.1 8080 443\r\n')],
  ['LF alone', text('PROXY TCP4 192.0.2.1 198.51.100.1 8080 443\n')],
  ['LF inside', text('PROXY UNKNOWN \n\r\n')],
  ['CR inside', text('PROXY UNKNOWN \r \r\n')],
  ['UNKNOWN and more', text('PROXY UNKNOWNS\r\n')],
  ['nothing', text('PROXY \r\n')],
  ['no ports', text('PROXY TCP4 192.0.2.1 198.51.100.1\r\n')],
  ['a port too high', text('PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n')],
  ['the other port too high', text('PROXY TCP4 192.0.2.1 198.51.100.1 8080 65536\r\n')],
  ['a port with a zero before', text('PROXY TCP4 192.0.2.1 198.51.100.1 080 443\r\n')],
  ['IPv6 as TCP4', text('PROXY TCP4 ::1 ::1 8080 443\r\n')],
  ['IPv4 as TCP6', text('PROXY TCP6 192.0.2.1 198.51.100.1 8080 443\r\n')],
  ['an address too long', text('PROXY TCP4 192.0.2.1.1 198.51.100.1 8080 443\r\n')],
  ['a destination that is none', text('PROXY TCP4 192.0.2.1 256.51.100.1 8080 443\r\n')],
  ['a zone', text('PROXY TCP6 fe80::1%1 ::1 8080 443\r\n')],
  ['a line too long', text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)],
  ['v2 version 1', v2('1111', FROM_TO_4)],
  ['v2 version 3', v2('3111', FROM_TO_4)],
  ['v2 another command', v2('2211', FROM_TO_4)],
  ['v2 IPv4 too short', v2('2111', FROM_TO_4.slice(2))],
  ['v2 IPv6 too short', v2('2121', FROM_TO_6.slice(2))],
  ['v2 unix too short', v2('2131', 'ab'.repeat(215))],
  ['v2 datagrams', v2('2112', FROM_TO_4)],
  ['v2 IPv4 of no transport', v2('2110', FROM_TO_4)],
  ['v2 another family', v2('2141', FROM_TO_4)],
  ['v2 too long', v2('2111', '', 521)],
  ['v2 an extension cut off', v2('2111', `${FROM_TO_4}0100`)],
  ['v2 an extension past the end', v2('2111', `${FROM_TO_4}01000261`)],
  ['v2 a checksum off by one', withChecksum(FROM_TO_4, 1)],
  ['v2 a checksum of another header', withChecksum(FROM_TO_4, 0x10000)],
  ['v2 a checksum too short', v2('2111', `${FROM_TO_4}030003000000`)],
])('no header: %s', (_name, header) => {
  expect(read(header)).toEqual({ kind: 'bad' });
  expect(bytewise(header)).toEqual({ kind: 'bad' });
});

const ipv4 = fc.ipV4();
const line = fc
  .record({
    family: fc.constantFrom('TCP4', 'TCP6', 'UNKNOWN'),
    from: fc.oneof(ipv4, fc.ipV6()),
    to: ipv4,
    port: fc.nat(70_000),
  })
  .map(({ family, from, to, port }) => text(`PROXY ${family} ${from} ${to} ${port} 443\r\n`));
const binary = fc
  .record({
    command: fc.constantFrom('20', '21', '21', '21', '22'),
    family: fc.constantFrom('00', '11', '11', '21', '31', '12'),
    rest: fc.uint8Array({ maxLength: 300 }),
    length: fc.option(fc.nat(600)),
  })
  .map(({ command, family, rest, length }) =>
    v2(command + family, Buffer.from(rest).toString('hex'), length ?? rest.length),
  );
const spoilt = fc
  .tuple(fc.oneof(line, binary, fc.constant(withChecksum(FROM_TO_4))), fc.nat(), fc.option(fc.nat(255)))
  .map(([bytes, at, byte]) => {
    const copy = Buffer.from(bytes);
    if (byte !== null) copy[at % copy.length] = byte;
    return copy;
  });

prop.prop([spoilt, fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(600), { maxLength: 8 })], { numRuns: 3000 })(
  'however it is split, the same is read, and nothing of what follows',
  (header, rest, cuts) => {
    const bytes = Buffer.concat([header, rest]);
    const marks = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
    const pieces = marks.slice(1).map((mark, i) => bytes.subarray(marks[i], mark));
    const whole = read(bytes);
    expect(readIn(pieces)).toEqual(whole);
    expect(bytewise(bytes)).toEqual(whole);
    if (whole.kind === 'done') expect(read(bytes.subarray(0, whole.consumed))).toEqual(whole);
  },
);
