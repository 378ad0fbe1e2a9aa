import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestFront } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { until } from '../support/wait.ts';

/** More than the sockets between two ends hold, so that whoever sends it waits for whoever reads. */
const BODY_BYTES = 24_000_000;
/** Before so much is here the upstream hears nothing of an upload. */
const FIRST_BYTES = 64 * 1024;
/** Looks without a change after which a sender counts as held up. */
const STILL_LOOKS = 60;

/** Resolves when a count no longer moves. */
async function atRest(count: () => number): Promise<void> {
  let last = -1;
  let still = 0;
  await until(() => {
    still = count() === last && last > 0 ? still + 1 : 0;
    last = count();
    return still >= STILL_LOOKS;
  });
}

/** Sends zeros, as fast as they are taken. */
function send(into: NodeJS.WritableStream, bytes: number): void {
  const piece = Buffer.alloc(Math.min(bytes, 50_000));
  const left = bytes - piece.length;
  const ready = into.write(piece);
  if (left === 0) return;
  if (ready) send(into, left);
  else into.once('drain', () => send(into, left));
}

const written = (socket: Socket): number => socket.bytesWritten - socket.writableLength;

interface BothWays extends AsyncDisposable {
  readonly client: Socket;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** A client that uploads as much as is taken of it, and an upstream that has read nothing yet. */
async function startUpload(front: TestFront): Promise<BothWays> {
  const asked: { req: IncomingMessage; res: ServerResponse }[] = [];
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => asked.push({ req, res }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway = await startGateway({
    front,
    env: {
      ...FORWARDING_ONLY,
      UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      WORKERS: '1',
      MAX_BODY_BYTES: String(2 * BODY_BYTES),
    },
  });
  const client = connect(gateway.port, '127.0.0.1');
  client.pause();
  client.write(`POST /proxy/both HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
  client.write(Buffer.alloc(FIRST_BYTES));
  await until(() => asked.length === 1);
  return {
    client,
    ...(asked[0] as { req: IncomingMessage; res: ServerResponse }),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.close();
      server.closeAllConnections();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

/** Counts what comes from now on. */
function countBytes(of: Socket | IncomingMessage): () => number {
  let bytes = 0;
  of.on('data', (piece: Buffer) => (bytes += piece.length));
  of.resume();
  return () => bytes;
}

// The answers go in chunks: uWebSockets.js then buffers what the client does not take.
describeFronts('an upload and an answer at once', (front) => {
  it('an upload that was paused goes on while its answer waits for the client, and then the answer', async () => {
    await using both = await startUpload(front);
    const { client, req, res } = both;
    send(client, BODY_BYTES - FIRST_BYTES);
    await atRest(() => written(client)); // the upstream does not read
    res.writeHead(200);
    send(res, BODY_BYTES);
    await atRest(() => written(req.socket)); // nor the client
    const uploaded = countBytes(req);
    await until(() => uploaded() === BODY_BYTES, { describe: uploaded });
    const answered = countBytes(client);
    await until(() => answered() > BODY_BYTES, { describe: answered });
    expect(req.complete).toBe(true);
  });

  it('an answer goes on while its upload waits for the upstream', async () => {
    await using both = await startUpload(front);
    const { client, req, res } = both;
    res.writeHead(200);
    send(res, BODY_BYTES);
    await atRest(() => written(req.socket)); // the client does not read
    send(client, BODY_BYTES - FIRST_BYTES);
    await atRest(() => written(client)); // nor the upstream
    const answered = countBytes(client);
    await until(() => answered() > BODY_BYTES, { describe: answered });
    const uploaded = countBytes(req);
    await until(() => uploaded() === BODY_BYTES, { describe: uploaded });
    expect(req.complete).toBe(true);
  });
});
