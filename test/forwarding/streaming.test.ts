import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { requestText } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

const MB = 1024 * 1024;
const BLOCK = randomBytes(64 * 1024 - 7); // an odd size, so that a block lost or doubled changes what follows

/** `/send?bytes=N&chunked` sends, `/take?slow=MS` takes (that much later for each piece) and answers the sha256, `/echo` does both. */
async function startPeer(): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    void (async () => {
      const url = new URL(req.url ?? '', 'http://peer');
      if (url.pathname === '/echo') {
        res.writeHead(200, url.searchParams.has('chunked') ? {} : { 'content-length': req.headers['content-length'] });
        req.pipe(res);
        return;
      }
      if (url.pathname === '/take') {
        const hash = createHash('sha256');
        for await (const piece of req as AsyncIterable<Buffer>) {
          hash.update(piece);
          if (url.searchParams.has('slow')) await delay(Number(url.searchParams.get('slow')));
        }
        res.end(hash.digest('hex'));
        return;
      }
      const bytes = Number(url.searchParams.get('bytes'));
      res.writeHead(200, url.searchParams.has('chunked') ? {} : { 'content-length': bytes });
      for (let sent = 0; sent < bytes && !res.destroyed; sent += BLOCK.length) {
        if (!res.write(BLOCK.subarray(0, bytes - sent))) await once(res, 'drain');
      }
      res.end();
    })().catch(() => res.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function hashOf(bytes: number): string {
  const hash = createHash('sha256');
  for (let done = 0; done < bytes; done += BLOCK.length) hash.update(BLOCK.subarray(0, bytes - done));
  return hash.digest('hex');
}

let peer: Server;
let gateway: Gateway;
beforeAll(async () => {
  peer = await startPeer();
  gateway = await startGateway({
    env: {
      ...FORWARDING_ONLY,
      UPSTREAM_URL: `http://127.0.0.1:${(peer.address() as AddressInfo).port}`,
      MAX_BODY_BYTES: String(1024 * MB),
      ACCESS_LOG: 'off',
    },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  peer.closeAllConnections();
  peer.close();
});

/** Resident memory of the gateway's process, in MB. */
const residentMb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1024;

async function hashOfAnswer(res: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of res as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

/** Uploads `bytes` of BLOCK in pieces `gapMs` apart; resolves with the answer. */
async function upload(
  target: string,
  { bytes, chunked = false, gapMs = 0 }: { bytes: number; chunked?: boolean; gapMs?: number },
): Promise<IncomingMessage> {
  const req = httpRequest(`${gateway.url}/proxy${target}`, {
    method: 'POST',
    agent: false,
    headers: chunked ? {} : { 'content-length': bytes },
  });
  const answered = once(req, 'response') as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < bytes; sent += BLOCK.length) {
    if (!req.write(BLOCK.subarray(0, bytes - sent))) await once(req, 'drain');
    if (gapMs > 0) await delay(gapMs);
  }
  req.end();
  return (await answered)[0];
}

async function download(target: string): Promise<IncomingMessage> {
  const req = httpRequest(`${gateway.url}/proxy${target}`, { agent: false }).end();
  return ((await once(req, 'response')) as [IncomingMessage])[0];
}

describe('streaming', () => {
  it('bodies of both framings and both directions, at once, are byte-exact', async () => {
    const bytes = 8 * MB + 12_345;
    const expected = hashOf(bytes);
    const hashes = await Promise.all([
      download(`/send?bytes=${bytes}`).then(hashOfAnswer),
      download(`/send?bytes=${bytes}&chunked`).then(hashOfAnswer),
      upload('/echo', { bytes }).then(hashOfAnswer),
      upload('/echo?chunked', { bytes, chunked: true }).then(hashOfAnswer),
      upload('/take', { bytes }).then(async (res) => (await res.toArray()).join('')),
      upload('/take?slow=1', { bytes, chunked: true }).then(async (res) => (await res.toArray()).join('')),
    ]);
    expect(hashes).toEqual(hashes.map(() => expected));
  });

  it.each(['', '&chunked'])(
    '64 MB to a slow reader (framing%s) are byte-exact and do not grow the process',
    async (framing) => {
      const bytes = 64 * MB;
      const res = await download(`/send?bytes=${bytes}${framing}`);
      const hash = createHash('sha256');
      const beforeMb = residentMb();
      let mostMb = 0;
      let taken = 0;
      for await (const piece of res as AsyncIterable<Buffer>) {
        hash.update(piece);
        taken += piece.length;
        await delay(taken % 4 === 0 ? 1 : 0);
        mostMb = Math.max(mostMb, residentMb());
      }
      expect(hash.digest('hex')).toBe(hashOf(bytes));
      expect(mostMb - beforeMb).toBeLessThan(16);
    },
  );

  // That a slow upstream holds the client back is seen in request-bodies.test.ts, where the upstream does not read at all.
  it('an upload to an upstream that takes it slowly is byte-exact', async () => {
    const bytes = 24 * MB;
    const res = await upload('/take?slow=3', { bytes, gapMs: 1 });
    expect((await res.toArray()).join('')).toBe(hashOf(bytes));
  });

  it('a reader that stops and starts again gets every byte once', async () => {
    const bytes = 12 * MB + 1;
    using client = await rawClient(gateway.port);
    client.send(requestText('GET', `/proxy/send?bytes=${bytes}`));
    for (let i = 0; i < 5; i++) {
      client.socket.pause();
      await delay(60);
      client.socket.resume();
      await delay(15);
    }
    const text = await client.when((received) => received.length >= bytes, { timeoutMs: 10_000 });
    const body = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(createHash('sha256').update(body).digest('hex')).toBe(hashOf(bytes));
  });
});
