import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { requestText, takeMessage } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import type { RawConnection, RawUpstream } from '../support/raw.ts';

/** Cases of one run; more by hand: PIPELINING_RUNS=2000. */
const RUNS = Number(process.env['PIPELINING_RUNS'] ?? 60);

interface Wanted {
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST';
  readonly bytes: number;
  readonly framing: 'length' | 'chunked' | 'hint';
}

interface Case {
  /** What each client asks, all at once, in this order. */
  readonly clients: readonly { readonly wanted: readonly Wanted[]; readonly leavesAfter: number | undefined }[];
  /** Sizes of the pieces that the upstream sends, over and over; 0 = a pause of some milliseconds. */
  readonly pieces: readonly number[];
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST'),
  bytes: fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.constantFrom(20_000, 150_000) }),
  framing: fc.constantFrom('length', 'length', 'chunked', 'hint'),
});
const someCase: fc.Arbitrary<Case> = fc.record({
  clients: fc.array(
    fc.record({
      wanted: fc.array(wanted, { minLength: 1, maxLength: 8 }),
      leavesAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(3) }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  pieces: fc.array(
    fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 5_000 }) }, { weight: 1, arbitrary: fc.nat(1) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  ),
});

let numbered = 0;
const pathOf = ({ bytes, framing }: Wanted): string => `/${numbered++}/${framing}/${bytes}`;
/** What only the answer to this path has. */
const bodyOf = (path: string, bytes: number): string =>
  `${path};`.repeat(Math.ceil(bytes / path.length)).slice(0, bytes);

function answerTo({ startLine }: Message): string {
  const [method = '', path = ''] = startLine.split(' ');
  const [, , framing, bytes] = path.split('/');
  const body = bodyOf(path, Number(bytes));
  const hint = framing === 'hint' ? `HTTP/1.1 103 Early Hints\r\nX-Path: ${path}\r\n\r\n` : '';
  const chunk = `${body.length.toString(16)};x=y\r\n${body}\r\n`;
  const chunks = `${body === '' ? '' : chunk}0\r\nX-Path: ${path}\r\n\r\n`;
  const isChunked = framing === 'chunked';
  const field = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const head = `${hint}HTTP/1.1 200 OK\r\nX-Path: ${path}\r\n${field}\r\n\r\n`;
  return method === 'HEAD' ? head : head + (isChunked ? chunks : body);
}

let upstream: RawUpstream;
let gateway: Gateway;
let pieces: readonly number[] = [];
let deepest = 0;
interface State {
  read: number;
  unanswered: number;
  out: string;
  writing: boolean;
  turn: number;
}
const states = new WeakMap<RawConnection, State>();

/** Sends what there is to send, in the pieces of the case. */
function write(connection: RawConnection, state: State): void {
  state.writing = state.out !== '';
  if (!state.writing) {
    state.unanswered = 0;
    return;
  }
  const piece = pieces[state.turn++ % pieces.length] ?? 1;
  if (piece === 0) {
    setTimeout(write, 3, connection, state);
    return;
  }
  connection.send(state.out.slice(0, piece));
  state.out = state.out.slice(piece);
  setImmediate(write, connection, state);
}

function onData(connection: RawConnection): void {
  const state = states.get(connection) ?? { read: 0, unanswered: 0, out: '', writing: false, turn: 0 };
  states.set(connection, state);
  for (;;) {
    const request = takeMessage(connection.received().slice(state.read));
    if (request === undefined) break;
    state.read += request.raw.length;
    state.out += answerTo(request);
    state.unanswered++;
  }
  deepest = Math.max(deepest, state.unanswered);
  if (!state.writing) write(connection, state);
}

beforeAll(async () => {
  upstream = await rawUpstream(onData);
  gateway = await startGateway({
    front: 'native',
    env: { ...FORWARDING_ONLY, ACCESS_LOG: 'off' },
    yaml: `
upstreams:
  piped: { url: "http://127.0.0.1:${upstream.port}", pipelining: 8 }
routes:
  - { path: /, upstream: piped }
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** @returns what is wrong with what came back */
async function runClient({ wanted: all, leavesAfter }: Case['clients'][number]): Promise<string[]> {
  using client = await rawClient(gateway.port);
  const asked = all.map((each) => ({ ...each, path: pathOf(each) }));
  client.send(
    asked
      .map(
        ({ method, path }) =>
          requestText(method, path, method === 'POST' ? ['Content-Length: 4'] : []) + (method === 'POST' ? 'body' : ''),
      )
      .join(''),
  );
  const wrong: string[] = [];
  let at = 0;
  for (const [n, { method, path, bytes }] of asked.entries()) {
    if (n === leavesAfter) {
      client.socket.resetAndDestroy();
      return wrong;
    }
    const take = (text: string): Message | undefined => takeMessage(text.slice(at), method === 'HEAD');
    for (;;) {
      await client.when((text) => take(text) !== undefined, { name: `answer ${n} to ${path}`, timeoutMs: 10_000 });
      const answer = take(client.received()) as Message;
      at += answer.raw.length;
      const { startLine, body } = answer;
      const named = answer.fields.find(([name]) => name.toLowerCase() === 'x-path')?.[1];
      if (named !== path) wrong.push(`${path} got ${startLine} of ${String(named)}`);
      if (startLine.startsWith('HTTP/1.1 103 ')) continue;
      const expected = method === 'HEAD' ? '' : bodyOf(path, bytes);
      if (body !== expected) wrong.push(`${path} got a body of ${body.length} bytes: ${body.slice(0, 240)}`);
      break;
    }
  }
  return wrong;
}

it(
  'however answers are cut and delayed, and whoever leaves: each request has its own answer',
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(someCase, async (given) => {
        pieces = [...given.pieces, 5_000]; // or 150 KB would take minutes byte by byte
        const wrong = await Promise.all(given.clients.map(runClient));
        expect(wrong.flat(), JSON.stringify(gateway.log.slice(-5))).toEqual([]);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: Math.max(20_000, RUNS * 300) },
    );
    expect(gateway.log.filter(({ level }) => level !== 'info')).toEqual([]);
    // The property is worth something only while requests do share connections.
    expect(deepest).toBeGreaterThan(4);
  },
);
