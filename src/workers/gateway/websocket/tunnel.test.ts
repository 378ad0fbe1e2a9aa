import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { WebSocketConfig } from '../../../shared/config/types.ts';
import { bytesOf, readFrames } from './frames.fixture.ts';
import type { SomeFrame } from './frames.fixture.ts';
import type { Gate } from './gate.ts';
import { Tunnel } from './tunnel.ts';
import { TestEnd } from './tunnel-end.fixture.ts';

interface Setup {
  readonly client: TestEnd;
  readonly upstream: TestEnd;
  readonly tunnel: Tunnel;
  readonly faults: unknown[];
  nowMs: number;
}

function setUp(more: Partial<WebSocketConfig> = {}): Setup {
  const faults: unknown[] = [];
  const client = new TestEnd();
  const upstream = new TestEnd();
  const host = {
    nowMs: 0,
    onMessage: () => {},
    onMessageBytes: () => {},
    onMessageRefused: () => {},
    onOver: () => {},
    onFault: (_tunnel: Tunnel, error: unknown) => void faults.push(error),
  };
  const config: WebSocketConfig = {
    maxMessageBytes: 1e6,
    idleMs: 0,
    maxMs: 0,
    pingMs: 0,
    origins: undefined,
    messageLimits: undefined,
    onMessageRefused: 'close',
    ...more,
  };
  const tunnel = new Tunnel({ client, upstream, reserved: 'compression', config, host });
  tunnel.begin();
  return {
    client,
    upstream,
    tunnel,
    faults,
    get nowMs() {
      return host.nowMs;
    },
    set nowMs(ms) {
      host.nowMs = ms;
    },
  };
}

const MASK = Buffer.from([0, 255, 7, 129]);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 9 }),
  fc.constantFrom(126, 300).map((size) => Buffer.alloc(size, 3)),
);
const control = fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 9 }) });

/** A message in one to three fragments, with control frames between them. */
const message: fc.Arbitrary<SomeFrame[]> = fc
  .tuple(fc.constantFrom(1, 2), fc.array(payload, { minLength: 1, maxLength: 3 }), control, fc.constantFrom(0, 4))
  .map(([opcode, parts, between, reserved]) =>
    parts.flatMap((part, i): SomeFrame[] => [
      { opcode: i === 0 ? opcode : 0, payload: part, fin: i === parts.length - 1, reserved: i === 0 ? reserved : 0 },
      between,
    ]),
  );
const messages = fc.array(message, { maxLength: 4 }).map((each) => each.flat());
const cuts = fc.array(fc.nat(), { maxLength: 20 });

function pieces(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const closing = (code: number, masked: boolean): Buffer =>
  bytesOf({ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff]), ...(masked ? { mask: MASK } : {}) });

describe.each(['client', 'upstream'] as const)('what comes from the %s', (name) => {
  const masked = name === 'client';
  const wire = (frames: readonly SomeFrame[]): Buffer =>
    Buffer.concat(frames.map((frame) => bytesOf({ ...frame, ...(masked ? { mask: MASK } : {}) })));
  const ends = (setup: Setup): readonly [TestEnd, TestEnd] =>
    masked ? [setup.client, setup.upstream] : [setup.upstream, setup.client];

  property.prop([messages, cuts])(
    'leaves as it came, however it is split, at most a write a read',
    (frames, places) => {
      const setup = setUp();
      const [from, to] = ends(setup);
      const bytes = Buffer.concat([wire(frames), closing(4000, masked)]);
      const parts = pieces(bytes, places);
      for (const part of parts) from.brings(part);
      expect(to.written).toBe(text(bytes));
      expect(to.writes).toBeLessThanOrEqual(parts.length);
      expect(setup.tunnel).toMatchObject({ closedBy: name, code: 4000 });
      expect(setup.faults).toEqual([]);
    },
  );

  property.prop([messages, cuts, fc.nat()])(
    'ends between two frames when it is closed anywhere',
    (frames, places, when) => {
      const setup = setUp();
      const [from, to] = ends(setup);
      const parts = pieces(wire(frames), places);
      for (const [i, part] of parts.entries()) {
        if (i === when % (parts.length + 1)) setup.tunnel.close(1001, 'x');
        from.brings(part);
      }
      setup.tunnel.close(1001, 'x');
      const seen = readFrames({ masked, reserved: 'compression' }, Buffer.from(to.written, 'latin1'));
      expect(seen.slice(-2)).toEqual([expect.stringMatching(/^8 \d\+3/), 'between']);
      const passed = to.written.length - (masked ? 9 : 5);
      expect(to.written.slice(0, passed)).toBe(text(wire(frames).subarray(0, passed)));
      from.brings(closing(1001, masked));
      expect(from.fate).toBe('finished');
      expect(setup.faults).toEqual([]);
    },
  );

  property.prop([messages, cuts, fc.array(fc.boolean())])(
    'waits at its gate, and loses nothing',
    (frames, places, waits) => {
      const setup = setUp();
      const [from, to] = ends(setup);
      const side = setup.tunnel[name];
      let asked = 0;
      const gate: Gate = {
        refusal: { code: 1008, reason: '' },
        onMessage: () => (waits[asked++] === true ? 'wait' : 'pass'),
      };
      side.gate = gate;
      for (const part of pieces(wire(frames), places)) {
        from.brings(part);
        while (!from.reading) side.release();
      }
      expect(to.written).toBe(text(wire(frames)));
      expect(asked).toBe(frames.filter(({ opcode }) => opcode === 1 || opcode === 2).length);
    },
  );

  property.prop([fc.uint8Array({ maxLength: 40 }), cuts])('may be anything', (bytes, places) => {
    const setup = setUp();
    const [from, to] = ends(setup);
    for (const part of pieces(Buffer.from(bytes), places)) from.brings(part);
    expect(setup.faults).toEqual([]);
    // What the other end got are frames, whole or about to be.
    const seen = readFrames({ masked, reserved: 'compression' }, Buffer.from(to.written, 'latin1'));
    expect(seen.at(-1)).toMatch(/^(between|open: )/);
  });

  test('stops when the other end does not keep up, and goes on when it does', () => {
    const setup = setUp();
    const [from, to] = ends(setup);
    to.isBlocked = true;
    from.brings(wire([{ opcode: 1, payload: Buffer.from('a') }]));
    expect([from.reading, to.reading]).toEqual([false, true]);
    to.drains();
    expect(from.reading).toBe(true);
  });

  test('is refused at its gate: both ends hear why, and what came before has passed', () => {
    const setup = setUp();
    const [from, to] = ends(setup);
    let asked = 0;
    setup.tunnel[name].gate = {
      refusal: { code: 1008, reason: 'rate_limited' },
      onMessage: () => (asked++ === 0 ? 'pass' : 'refuse'),
    };
    const one = wire([{ opcode: 1, payload: Buffer.from('one') }]);
    from.brings(Buffer.concat([one, one, one]));
    expect(to.written.slice(0, one.length)).toBe(text(one));
    expect(to.written.length).toBe(one.length + (masked ? 6 : 2) + 14);
    expect(from.written.length).toBe((masked ? 2 : 6) + 14);
    expect(setup.tunnel).toMatchObject({ closedBy: 'gateway', code: 1008 });
  });

  test('waits at its gate longer than an idle one may, and is refused in the end', () => {
    const setup = setUp({ idleMs: 1_000 });
    const [from, to] = ends(setup);
    const side = setup.tunnel[name];
    side.gate = { refusal: { code: 1008, reason: '' }, onMessage: () => 'wait' };
    from.brings(wire([{ opcode: 1, payload: Buffer.from('one') }]));
    setup.nowMs = 5_000;
    setup.tunnel.look();
    expect([side.holds, from.reading, setup.tunnel.isOpen]).toEqual([true, false, true]);
    side.refuse({ code: 1008, reason: 'rate_limited' });
    expect([side.holds, from.reading, to.written.length]).toEqual([false, true, (masked ? 6 : 2) + 14]);
    expect(setup.tunnel).toMatchObject({ closedBy: 'gateway', code: 1008 });
    side.refuse({ code: 1008, reason: 'rate_limited' });
    side.release();
    expect(to.written.length).toBe((masked ? 6 : 2) + 14);
  });

  test('its pong to a ping of ours goes no further, split anywhere; another one does', () => {
    for (let cut = 1; cut < 14; cut++) {
      const setup = setUp({ pingMs: 100 });
      const [from, to] = ends(setup);
      setup.nowMs = 150;
      setup.tunnel.look();
      const ping = Buffer.from(from.written, 'latin1');
      expect(ping[0]).toBe(0x89);
      const key = masked ? undefined : ping.subarray(2, 6);
      const random = ping.subarray(masked ? 2 : 6).map((byte, i) => byte ^ (key?.[i % 4] ?? 0));
      const other = wire([{ opcode: 10, payload: Buffer.alloc(8) }]);
      const all = Buffer.concat([other, wire([{ opcode: 10, payload: random }]), other]);
      const before = to.written.length; // a ping of ours is there too
      for (const part of [all.subarray(0, cut), all.subarray(cut, cut + 12), all.subarray(cut + 12)]) from.brings(part);
      expect(to.written.slice(before)).toBe(text(Buffer.concat([other, other])));
    }
  });
});

test('an upstream that ends without a close frame is 1014 to the client, a client that does is an end to the upstream', () => {
  const one = setUp();
  one.upstream.ends();
  expect([one.client.written.charCodeAt(2) * 256 + one.client.written.charCodeAt(3), one.upstream.fate]).toEqual([
    1014,
    'finished',
  ]);
  const other = setUp();
  other.client.ends();
  expect([other.upstream.written, other.upstream.fate, other.client.fate]).toEqual(['', 'finished', 'finished']);
});
