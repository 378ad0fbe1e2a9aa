import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { canWriteDirectly, writeDirectly, type DirectWriter } from './direct-write.ts';

let server: Server | undefined;
const sockets: Socket[] = [];

/** A connected pair; the far end reads nothing until it is told. */
async function pair(): Promise<{ near: Socket; far: Socket; writer: DirectWriter }> {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(near, 'connect');
  const [far] = await accepted;
  sockets.push(near, far);
  far.on('error', () => {});
  return { near, far, writer: { socket: near, pendingWrites: 0 } };
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

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

describe('writeDirectly', () => {
  it('is possible on this Node', () => {
    expect(canWriteDirectly).toBe(true);
  });

  it('sends text as latin-1 and buffers as they are, past the Writable', async () => {
    const { near, far, writer } = await pair();
    writeDirectly(writer, 'caf\u00e9;');
    writeDirectly(writer, Buffer.from([0, 255]));
    expect(near.writableLength).toBe(0);
    far.resume();
    expect(await readAll(far, 7)).toEqual(Buffer.concat([Buffer.from('caf\u00e9;', 'latin1'), Buffer.from([0, 255])]));
  });

  it('keeps the order with what the socket itself writes, however full the kernel is', async () => {
    const { near, far, writer } = await pair();
    const expected: Buffer[] = [];
    for (let i = 0; i < 40; i++) {
      const piece = Buffer.alloc(300_000, i);
      expected.push(piece);
      if (i > 20 && i % 3 === 1) near.write(piece);
      else writeDirectly(writer, i % 3 === 0 ? piece : piece.toString('latin1'));
    }
    const whole = Buffer.concat(expected);
    expect(writer.pendingWrites).toBeGreaterThan(0);
    far.resume();
    expect((await readAll(far, whole.length)).equals(whole)).toBe(true);
    expect(writer.pendingWrites).toBe(0);
  });

  it('destroys the socket when a write that was under way fails', async () => {
    const { near, far, writer } = await pair();
    near.on('error', () => {});
    for (let i = 0; i < 20; i++) writeDirectly(writer, Buffer.alloc(1_000_000));
    const closed = new Promise((resolve) => void near.once('close', resolve));
    far.resetAndDestroy();
    await closed;
    writeDirectly(writer, 'nobody there');
    expect(near.destroyed).toBe(true);
  });
});
