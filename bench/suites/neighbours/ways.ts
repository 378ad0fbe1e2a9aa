/** How one client can misbehave: what each of its connections sends at first, every second, and whether it reads. */
export interface Way {
  /** Connections of the one client. */
  readonly connections: number;
  readonly reads: boolean;
  readonly first: string;
  readonly everySecond: string;
  /** Asks again as soon as it is answered, and opens a connection again that was closed. */
  readonly again: boolean;
}

export type WayName = keyof typeof WAYS;

const QUIET = { connections: 280, reads: true, first: '', everySecond: '', again: false } as const satisfies Way;
const drop = 'x'.repeat(80);

const get = (path: string): string => `GET PREFIX${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (bytes: number): string => `POST PREFIX/sink HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`;

/** PREFIX stands for what the subject wants before a path. */
export const WAYS = {
  'asks for 50 MB and does not read': { ...QUIET, reads: false, first: get('/large') },
  'large uploads, 80 B/s each': { ...QUIET, first: post(10_000_000), everySecond: drop },
  'small uploads, 80 B/s each': { ...QUIET, first: post(10_000), everySecond: drop },
  'headers, a byte a second': { ...QUIET, first: 'GET / HTTP/1.1\r\nX-Slow: ', everySecond: 'x' },
  'connections without a request': { ...QUIET, connections: 500 },
  'asks for answers that take 20 s': { ...QUIET, first: get('/wait/20000'), again: true },
  'asks for what fails': { ...QUIET, connections: 4, first: get('/fail'), again: true },
  'asks as fast as it can': { ...QUIET, connections: 128, first: get('/ok'), again: true },
} as const satisfies Record<string, Way>;

export const WAY_NAMES = Object.keys(WAYS) as readonly WayName[];
