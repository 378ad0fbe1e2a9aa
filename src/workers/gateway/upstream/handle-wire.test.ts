import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeHandles } from '../../../shared/net/handles.ts';
import { HandleWire } from './handle-wire.ts';
import { openWire } from './open-wire.ts';
import { SocketWire } from './socket-wire.ts';
import type { Wire, WireOwner } from './wire.ts';

let server: Server | undefined;
const sockets: Socket[] = [];

interface Heard {
  readonly events: string[];
  bytes: number;
}

/** A connected pair; the far end reads nothing until it is told. */
async function pair(withHandles: boolean): Promise<{ near: Socket; far: Socket; wire: Wire; heard: Heard }> {
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const heard: Heard = { events: [], bytes: 0 };
  const owner: WireOwner = {
    onBytes: (length) => (heard.bytes += length),
    onEnd: () => heard.events.push('end'),
    onReadFailed: () => heard.events.push('read failed'),
    onWriteFailed: () => heard.events.push('write failed'),
    onDrain: () => heard.events.push('drain'),
  };
  const near = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    onread: { buffer: Buffer.alloc(65_536), callback: (length) => (owner.onBytes(length), true) },
  });
  near.on('error', () => heard.events.push('error'));
  await once(near, 'connect');
  const [far] = await accepted;
  far.on('error', () => {});
  sockets.push(near, far);
  return { near, far, wire: openWire(near, owner, withHandles ? nodeHandles() : undefined), heard };
}

async function readAll(far: Socket, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let seen = 0;
  for await (const piece of far as AsyncIterable<Buffer>) {
    pieces.push(piece);
    if ((seen += piece.length) >= bytes) break;
  }
  return Buffer.concat(pieces);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

it('is possible on this Node', async () => {
  expect((await pair(true)).wire).toBeInstanceOf(HandleWire);
  expect((await pair(false)).wire).toBeInstanceOf(SocketWire);
});

describe.each([
  ['handle', true],
  ['socket', false],
])('a wire over the %s', (_name, withHandles) => {
  it('sends text in its encoding and buffers as they are', async () => {
    const { far, wire } = await pair(withHandles);
    wire.write('caf\u00e9;', 'latin1');
    wire.write('caf\u00e9;', 'utf8');
    wire.write(Buffer.from([0, 255]), 'latin1');
    wire.writeAll([Buffer.from('a'), Buffer.from('b')]);
    far.resume();
    const expected = ['caf\xe9;', 'caf\xc3\xa9;', '\x00\xff', 'ab'].join('');
    expect((await readAll(far, expected.length)).toString('latin1')).toBe(expected);
  });

  it('keeps the order, however full the kernel is, and tells when all has left', async () => {
    const { far, wire, heard } = await pair(withHandles);
    const expected: Buffer[] = [];
    for (let i = 0; i < 40; i++) {
      const piece = Buffer.alloc(300_000, i);
      expected.push(piece);
      if (i % 3 === 0) wire.write(piece, 'latin1');
      else if (i % 3 === 1) wire.write(piece.toString('latin1'), 'latin1');
      else wire.writeAll([piece.subarray(0, 1_000), piece.subarray(1_000)]);
    }
    const whole = Buffer.concat(expected);
    expect([wire.hasUnsent, wire.isFull]).toEqual([true, true]);
    far.resume();
    expect((await readAll(far, whole.length)).equals(whole)).toBe(true);
    await until(() => heard.events.includes('drain'));
    expect([wire.hasUnsent, wire.isFull]).toEqual([false, false]);
  });

  it('reads, pauses, goes on, and tells the end', async () => {
    const { far, wire, heard } = await pair(withHandles);
    far.write(Buffer.alloc(100_000));
    await until(() => heard.bytes === 100_000);
    wire.pause();
    const more = new Promise((resolve) => far.write(Buffer.alloc(50_000), resolve));
    await more;
    const paused = heard.bytes;
    wire.resume();
    far.end();
    await until(() => heard.events.includes('end'));
    expect([paused < 150_000, heard.bytes]).toEqual([true, 150_000]);
  });
});

it('reads what the other side sent before it reset, and the end, after a write has failed', async () => {
  const { near, far, wire, heard } = await pair(true);
  wire.pause();
  await new Promise((resolve) => far.write('the answer', resolve));
  far.resetAndDestroy();
  await until(() => {
    wire.write('more', 'latin1');
    return heard.events.includes('write failed');
  });
  expect([heard.bytes, near.destroyed]).toEqual([0, false]);
  wire.resume();
  await until(() => heard.events.length > 1);
  expect(heard.bytes).toBe('the answer'.length);
});
