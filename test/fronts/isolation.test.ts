import { once } from 'node:events';
import { Agent as PlainAgent, createServer, request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { describeFronts } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { pattern, PatternCheck } from './pattern.ts';

const CLIENTS = 100;
/** What is tested is bytes: no time-out of the gateway ends an exchange, and nobody waits for a connection. */
const NO_HURRY = {
  CONNECT_TIMEOUT_SECONDS: '600',
  RESPONSE_HEADERS_TIMEOUT_SECONDS: '600',
  BODY_IDLE_TIMEOUT_SECONDS: '600',
  IDLE_TIMEOUT_SECONDS: '600',
  UPSTREAM_CONNECTIONS: String(CLIENTS),
};
const PIECE_BYTES = 50_000;

/** From 1 KB to 10 MB, evenly by their orders of magnitude, and no two alike. */
const bytesOf = (client: number): number =>
  Math.round(1_000 * 10_000 ** (((client * 37) % CLIENTS) / (CLIENTS - 1))) + client;
/** The slow ones do not read at first, so that the gateway's writes to them are pending, then by the piece. */
const isSlow = (client: number): boolean => client % 2 === 0;

/** Sends and checks patterns: `/down` sends, `/up` judges, `/echo` gives back what it gets while it gets it. */
async function patternUpstream(): Promise<{ readonly port: number } & AsyncDisposable> {
  // It never ends a connection that rests: a request that is just on its way on one would be lost.
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    const client = Number(req.headers['x-client']);
    const length = bytesOf(client);
    if (req.url === '/echo') {
      req.pipe(res);
    } else if (req.url === '/down') {
      res.writeHead(200, client % 3 === 0 ? {} : { 'content-length': length });
      void writePattern(res, client, length).catch(() => undefined);
    } else {
      const check = new PatternCheck(client);
      req.on('data', (piece: Buffer) => check.take(piece));
      req.on('end', () => res.end(check.verdict(length)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function writePattern(into: NodeJS.WritableStream, client: number, length: number): Promise<void> {
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const isLast = at + PIECE_BYTES >= length;
    const ready = into.write(pattern(client, at, Math.min(PIECE_BYTES, length - at)));
    // Of the last piece none may come: the answer can be here before it.
    if (!ready && !isLast) await once(into, 'drain');
  }
  into.end();
}

let authority: TestAuthority;
let tlsFiles: Readonly<Record<string, string>>;
beforeAll(() => {
  authority = createAuthority();
  const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
  tlsFiles = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile };
});
afterAll(() => authority[Symbol.dispose]());

interface Runs {
  readonly port: number;
  readonly secure: boolean;
  readonly paths: readonly string[];
  /** uSockets gives up a TLS connection now and then that takes or gives megabytes (seen in 2 of 6 runs): no wrong bytes. */
  readonly mayBeCut: boolean;
}

/** One client on one connection: takes, gives, and both at once. @returns what was wrong */
async function runClient({ port, secure, paths, mayBeCut }: Runs, client: number): Promise<string[]> {
  const agent = secure
    ? new TlsAgent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
    : new PlainAgent({ keepAlive: true, maxSockets: 1 });
  const length = bytesOf(client);
  const exchange = async (path: string): Promise<string> => {
    const body = path !== '/proxy/down';
    const req = (secure ? tlsRequest : plainRequest)({
      host: '127.0.0.1',
      port,
      agent,
      path,
      method: body ? 'POST' : 'GET',
      headers: { 'x-client': client, ...(body && { 'content-length': length }) },
    });
    const answered = once(req, 'response');
    const sent = body ? writePattern(req, client, length) : finished(req.end(), { readable: false });
    sent.catch(() => undefined); // awaited below, unless the answer fails first
    const [res] = (await answered) as [IncomingMessage];
    if (isSlow(client)) await delay(300);
    const check = new PatternCheck(client);
    const isText = path === '/proxy/up' || res.statusCode !== 200;
    let text = '';
    for await (const piece of res) {
      if (isText) text += String(piece);
      else check.take(piece as Buffer);
      if (isSlow(client)) await delay(1);
    }
    await sent;
    return isText ? text : check.verdict(length);
  };
  const verdicts: string[] = [];
  const onCut = (error: unknown): string => {
    if (mayBeCut) return 'cut, ok';
    throw error;
  };
  for (const path of paths) verdicts.push(`${path} ${await exchange(path).catch(onCut)}`);
  agent.destroy();
  return verdicts.filter((verdict) => !verdict.endsWith(' ok'));
}

describeFronts('no byte of one client reaches another', (front) => {
  it.each(['plain', 'TLS'])('50 slow and 50 fast ones, bodies of 1 KB to 10 MB both ways: %s', async (kind) => {
    const secure = kind === 'TLS';
    await using upstream = await patternUpstream();
    await using gateway = await startGateway({
      front,
      env: {
        ...FORWARDING_ONLY,
        ...(secure && tlsFiles),
        UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
        WORKERS: '2',
        MAX_BODY_BYTES: String(16 * 1024 ** 2),
        ...NO_HURRY,
        ACCESS_LOG: 'off',
      },
    });
    const mayBeCut = front === 'uws' && secure;
    const runs = { port: gateway.port, secure, mayBeCut, paths: ['/proxy/down', '/proxy/up', '/proxy/echo'] };
    const clients = Array.from({ length: CLIENTS }, (_, client) => runClient(runs, client));
    expect((await Promise.all(clients)).flat()).toEqual([]);
    expect(gateway.log.filter((line) => line['level'] === 'error')).toEqual([]);
  });
});
