import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpUpstream } from '../support/upstreams.ts';

/** An upstream that answers well, badly, late, by halves and not at all, as the path says. */
export async function moodyUpstream(): Promise<{ readonly port: number } & AsyncDisposable> {
  const moods: Readonly<Record<string, (req: IncomingMessage, res: ServerResponse) => void>> = {
    '/ok': (_req, res) => void res.end('ok'),
    '/large': (_req, res) => void res.end(LARGE),
    '/chunked': (_req, res) => {
      res.write(SMALL);
      setImmediate(() => res.end(SMALL));
    },
    '/echo': (req, res) => void req.pipe(res),
    '/fail': (_req, res) => void res.writeHead(500).end('no'),
    '/never': () => undefined,
    '/reset': (req) => void req.socket.destroy(),
    '/garbage': (req) => void req.socket.end('this is not HTTP\r\n\r\n'),
    '/short': (req, res) => {
      res.writeHead(200, { 'content-length': 1000 });
      res.write(SMALL, () => req.socket.destroy());
    },
    '/stall': (_req, res) => {
      res.writeHead(200, { 'content-length': 1000 });
      res.write(SMALL);
    },
  };
  return httpUpstream((req, res) => {
    res.on('error', () => undefined);
    const mood = moods[req.url ?? ''];
    if (mood === undefined) res.writeHead(404).end();
    else mood(req, res);
  });
}

const SMALL = Buffer.alloc(500, 's');
const LARGE = Buffer.alloc(256 * 1024, 'l');

interface Kind {
  /** Of a hundred exchanges. */
  readonly share: number;
  readonly path: string;
  readonly body?: Buffer;
  /** The client leaves: before an answer can have come, within the answer, or within its own body. */
  readonly leaves?: 'at-once' | 'in-answer' | 'in-body';
}

const KINDS: readonly Kind[] = [
  { share: 30, path: '/proxy/ok' },
  { share: 14, path: '/proxy/echo', body: SMALL },
  { share: 8, path: '/proxy/chunked' },
  { share: 4, path: '/proxy/large' },
  { share: 4, path: '/proxy/echo', body: LARGE },
  { share: 6, path: '/proxy/fail' },
  { share: 3, path: '/nowhere' },
  { share: 2, path: '/proxy/echo', body: Buffer.alloc(600 * 1024) }, // more than the gateway takes
  { share: 1, path: '/proxy/never' },
  { share: 4, path: '/proxy/reset' },
  { share: 3, path: '/proxy/garbage' },
  { share: 3, path: '/proxy/short' },
  { share: 1, path: '/proxy/stall' },
  { share: 6, path: '/proxy/never', leaves: 'at-once' },
  { share: 5, path: '/proxy/large', leaves: 'in-answer' },
  { share: 6, path: '/proxy/echo', body: LARGE, leaves: 'in-body' },
];

/** The hundred kinds in an order that mixes them; 37 has no factor in common with 100. */
const sorted = KINDS.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
const ORDER = sorted.map((_kind, i) => sorted[(i * 37) % sorted.length] as Kind);

/** One exchange, to whatever end it comes. @returns the status, or how it ended without one */
function exchange(port: number, kind: Kind, agent: Agent): Promise<string> {
  const { path, body, leaves } = kind;
  return new Promise((resolve) => {
    const req = request({
      host: '127.0.0.1',
      port,
      path,
      agent,
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { headers: { 'content-length': body.length } }),
    });
    let begun = false;
    req.on('close', () => {
      if (!begun) resolve('no answer');
    });
    req.on('error', () => undefined);
    req.on('response', (res) => {
      begun = true;
      res.on('error', () => undefined);
      res.on('data', () => {
        if (leaves === 'in-answer') req.destroy();
      });
      res.on('close', () => resolve(res.complete ? String(res.statusCode) : 'half an answer'));
    });
    if (leaves === 'in-body') {
      req.write(body?.subarray(0, 100_000), () => req.destroy());
    } else {
      req.end(body);
      if (leaves === 'at-once') req.on('finish', () => setImmediate(() => req.destroy()));
    }
  });
}

/** Runs so many exchanges of all kinds. @returns how often each end came */
export async function runMixedLoad(port: number, total: number): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < total) {
      const kind = ORDER[next++ % ORDER.length] as Kind;
      const end = await exchange(port, kind, agent);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 24 }, client));
  agent.destroy();
  return ends;
}
