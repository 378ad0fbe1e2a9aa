import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LateWriter, startSlowProxy } from './slow-proxy.ts';
import type { SlowProxy } from './slow-proxy.ts';

let target: Server;
let proxy: SlowProxy;
let client: Socket;
beforeEach(async () => {
  target = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(target, 'listening');
  proxy = await startSlowProxy((target.address() as AddressInfo).port);
  client = connect(proxy.port, '127.0.0.1').setEncoding('latin1');
  await once(client, 'connect');
});
afterEach(async () => {
  client.destroy();
  await proxy.close();
  target.close();
});

/** Resolves with all that came once it ends so. */
const heard = (end: string): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    client.on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith(end)) resolve(text);
    });
  });

async function echoMs(text: string): Promise<number> {
  const answer = heard(text);
  const startedMs = performance.now();
  client.write(text);
  await answer;
  return performance.now() - startedMs;
}

describe('startSlowProxy', () => {
  it('holds answers back for as long as it is told', async () => {
    await echoMs('first');
    proxy.delayAnswers(80);
    expect(await echoMs('late')).toBeGreaterThan(79);
    expect(await echoMs('late too')).toBeGreaterThan(79);
  });

  it('ends both sides together', async () => {
    const closed = once(client, 'close');
    await proxy.close();
    await closed;
    proxy = await startSlowProxy((target.address() as AddressInfo).port);
  });
});

describe('LateWriter', () => {
  it('keeps the order when the delay ends', async () => {
    const written: string[] = [];
    await new Promise<void>((resolve) => {
      const late = new LateWriter((chunk) => {
        written.push(chunk.toString());
        if (written.length === 3) resolve();
      });
      late.write(Buffer.from('held'), 30);
      late.write(Buffer.from('less'), 5);
      late.write(Buffer.from('not'), 0);
      expect(written).toEqual([]);
    });
    expect(written).toEqual(['held', 'less', 'not']);
  });
});
