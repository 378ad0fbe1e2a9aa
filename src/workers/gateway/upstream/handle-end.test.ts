import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeHandles } from '../../../shared/net/handles.ts';
import type { Handles } from '../../../shared/net/handles.ts';
import { Deadlines } from '../deadlines.ts';
import { HandleEnd, LINGER_MS } from './handle-end.ts';
import { takeHandle } from './handle-wire.ts';
import { readBuffer } from './read-buffer.ts';

const handles = nodeHandles() as Handles;

let server: Server;
const deadlines = new Deadlines(0);
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

async function tunnel(): Promise<{ near: Socket; far: Socket; end: HandleEnd; heard: string[]; got: () => string }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    onread: { buffer: readBuffer, callback: () => true },
  });
  await once(near, 'connect');
  const [far] = await accepted;
  far.on('error', () => {});
  sockets.push(near, far);
  const handle = takeHandle(near);
  if (handle === undefined) throw new Error('the handle cannot be taken on this Node');
  near.destroy();
  const heard: string[] = [];
  let got = '';
  const end = new HandleEnd(handle, { handles, deadlines });
  end.begin({
    onBytes: (bytes, from, to) => (got += bytes.toString('latin1', from, to)),
    onEnd: () => heard.push('end'),
    onDrained: () => heard.push('drained'),
    onGone: () => heard.push('gone'),
  });
  return { near, far, end, heard, got: () => got };
}

const piece = (text: string): Parameters<HandleEnd['pass']>[0] => {
  const bytes = Buffer.from(text, 'latin1');
  return { before: '', bytes, from: 0, to: bytes.length };
};

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** What the far end reads until the near one ends. */
async function rest(far: Socket): Promise<string> {
  let text = '';
  for await (const bytes of far as AsyncIterable<Buffer>) text += bytes.toString('latin1');
  return text;
}

it('goes on when the socket that it was taken from is destroyed', async () => {
  const { near, far, end, got } = await tunnel();
  await once(near, 'close');
  far.write('from the far end');
  await until(() => got() === 'from the far end');
  end.pass({ ...piece('\xff and text'), before: 'held ' }, false);
  end.say(' said');
  end.finish();
  expect(await rest(far)).toBe('held \xff and text said');
});

it('what comes soon leaves in order', async () => {
  const { far, end } = await tunnel();
  end.pass(piece('a'), true);
  end.pass(piece('b'), true);
  end.pass(piece('c'.repeat(20_000)), true);
  end.pass(piece('d'), true);
  end.finish();
  expect(await rest(far)).toBe(`ab${'c'.repeat(20_000)}d`);
});

describe('a far end that does not read', () => {
  it('blocks, says when it has drained, and gets all of it in order', async () => {
    const { far, end, heard } = await tunnel();
    let sent = '';
    for (let i = 0; !end.isBlocked; i++) {
      const text = String.fromCharCode(i % 256).repeat(40_000);
      const memory = piece(text);
      end.pass(memory, false);
      memory.bytes.fill(0); // the read buffer is used again at once
      sent += text;
    }
    const reading = rest(far);
    await until(() => heard.includes('drained'));
    expect(end.isBlocked).toBe(false);
    end.finish();
    expect(Buffer.from(await reading, 'latin1').equals(Buffer.from(sent, 'latin1'))).toBe(true);
  });

  it('is cut when it lingers', async () => {
    const { far, end } = await tunnel();
    while (!end.isBlocked) end.pass(piece('x'.repeat(40_000)), false);
    end.finish();
    expect(deadlines.size).toBe(1);
    deadlines.tick(LINGER_MS);
    await rest(far).catch(() => ''); // ended or reset, as the kernel likes
    expect(deadlines.size).toBe(0);
  });
});

it('a far end that ends is told once, and both close in order', async () => {
  const { far, end, heard } = await tunnel();
  far.end('last words');
  await until(() => heard.length > 0);
  end.finish();
  expect(await rest(far)).toBe('');
  expect(heard).toEqual(['end']);
  expect(deadlines.size).toBe(0);
});

it('a far end that resets is gone', async () => {
  const { far, end, heard } = await tunnel();
  far.resetAndDestroy();
  await until(() => heard.length > 0);
  expect(heard).toEqual(['gone']);
  end.pass(piece('nothing'), false);
  end.say('nothing');
  end.resumeReading();
  end.finish();
  expect(deadlines.size).toBe(0);
});

it('nothing is read while it is paused', async () => {
  const { far, end, got } = await tunnel();
  end.pauseReading();
  await new Promise((resolve) => far.write('kept', resolve));
  const { far: other, got: gotOther } = await tunnel();
  other.write('read');
  await until(() => gotOther() === 'read');
  expect(got()).toBe('');
  end.resumeReading();
  await until(() => got() === 'kept');
  end.abandon();
  await rest(far).catch(() => '');
});
