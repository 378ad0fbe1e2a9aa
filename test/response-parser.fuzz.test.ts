import { once } from 'node:events';
import { request, STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cut, readAnswer } from '../src/workers/gateway/upstream/read-answer.fixture.ts';
import { someCase } from './response-parser.cases.ts';
import type { Case } from './response-parser.cases.ts';
import { DIFFERENCES, takeApart } from './response-parser.differences.ts';
import type { Difference } from './response-parser.differences.ts';

/** Cases per run of this file; more by hand: FUZZ_RUNS=100000 FUZZ_SEED=7. A failure prints its seed and the case. */
const CASES = Number(process.env['FUZZ_RUNS'] ?? 4000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_123);
/** Cases on the wire at once; each has a connection of its own. */
const BATCH = 20;

interface Message {
  status: number;
  reason: string;
  fields: string[];
  body: string;
}
type Outcome = Message | 'refused';

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te', 'trailer'];

/** What the gateway drops, applied to Node's header list; written anew, not with the parser's own rules. */
function filtered(raw: readonly string[]): string[] {
  const pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), name, raw[i + 1] ?? ''] as const] : []));
  const dropped = new Set([...HOP_BY_HOP, 'content-length', 'date']);
  for (const [lower, , value] of pairs) {
    for (const listed of lower === 'connection' ? value.split(',') : []) {
      dropped.add(listed.replaceAll(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
    }
  }
  return pairs.filter(([lower]) => !dropped.has(lower)).map(([, name, value]) => `${name}: ${value}`);
}

let server: Server;
let port = 0;
const onTheWire = new Map<string, Case>();
let lastId = 0;

/** A raw upstream: answers GET /ID with the bytes of that case, in its pieces, then closes. */
function answer(socket: Socket): void {
  let seen = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1');
    const path = /^\w+ (\/\d+) [^]*\r\n\r\n$/.exec(seen)?.[1];
    const found = onTheWire.get(path ?? '');
    if (path === undefined || found === undefined) return;
    onTheWire.delete(path);
    const pieces = cut(found.text, found.cuts);
    const next = (): void => {
      const piece = pieces.shift();
      if (piece === undefined) {
        socket.end();
        return;
      }
      socket.write(piece, 'latin1');
      setImmediate(next);
    };
    next();
  });
}

/** What Node's own client makes of it. */
async function readByNode(given: Case): Promise<Outcome> {
  const path = `/${++lastId}`;
  onTheWire.set(path, given);

  let response: IncomingMessage | undefined;
  let responseClosed: Promise<unknown> = Promise.resolve();
  let body = '';
  const headers = { connection: 'keep-alive' }; // or Node would treat every answer as the connection's last
  const options = {
    host: '127.0.0.1',
    port,
    path,
    method: given.method,
    headers,
    agent: false,
    insecureHTTPParser: false,
  };
  const sent = request(options, (res) => {
    response = res;
    responseClosed = new Promise((resolve) => res.on('close', resolve));
    res.setEncoding('latin1').on('data', (piece: string) => (body += piece));
    res.on('error', () => {});
  });
  sent.on('error', () => {}); // refused; `close` follows
  const closed = new Promise((resolve) => sent.on('close', resolve));
  sent.end();
  await closed;
  await responseClosed;
  if (response === undefined || !response.complete) return 'refused';
  const status = response.statusCode ?? 0;
  const received = response.statusMessage ?? '';
  const reason = /^[ -~]+$/.test(received) ? received : (STATUS_CODES[status] ?? '');
  return { status, reason, fields: filtered(response.rawHeaders), body };
}

function readByUs(given: Case): Outcome {
  const { complete, statusLine, fields, body } = readAnswer(cut(given.text, given.cuts), given.method);
  if (!complete) return 'refused';
  return {
    status: Number(statusLine.slice(0, 3)),
    reason: statusLine.slice(4),
    fields: fields === '' ? [] : fields.split('\r\n'),
    body,
  };
}

type Verdict = 'both take it' | 'both refuse' | 'heads differ' | Difference['kind'];

async function compare(given: Case): Promise<Verdict> {
  const node = await readByNode(given);
  const ours = readByUs(given);
  if (ours === 'refused') return node === 'refused' ? 'both refuse' : 'ours refuses';
  if (node === 'refused') return 'node refuses';
  const head = ({ status, reason, fields }: Message): string => JSON.stringify([status, reason, fields]);
  if (head(ours) !== head(node)) return 'heads differ';
  return ours.body === node.body ? 'both take it' : 'bodies differ';
}

beforeAll(async () => {
  server = createServer({ noDelay: true }, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

describe('our response parser against Node’s', () => {
  test('both read the same, or both refuse, but for the listed differences', { timeout: 600_000 }, async () => {
    const counts: Partial<Record<Verdict | 'excused', number>> = {};
    const count = (what: Verdict | 'excused'): number => (counts[what] = (counts[what] ?? 0) + 1);
    const unexplained = async (given: Case): Promise<string[]> => {
      const verdict = await compare(given);
      count(verdict);
      if (verdict === 'both take it' || verdict === 'both refuse') return [];
      const anatomy = takeApart(given.text);
      if (DIFFERENCES.some((known) => known.kind === verdict && known.when(anatomy))) {
        count('excused');
        return [];
      }
      return [`${verdict}: ${given.method} ${JSON.stringify(given.text)} cut at ${given.cuts.join()}`];
    };
    const batch = fc.array(someCase, { minLength: 1, maxLength: BATCH, size: 'max' });
    const perBatch = BATCH / 2; // on average
    await fc.assert(
      fc.asyncProperty(batch, async (cases) => {
        expect((await Promise.all(cases.map(unexplained))).flat()).toEqual([]);
      }),
      { seed: SEED, numRuns: Math.ceil(CASES / perBatch), interruptAfterTimeLimit: CASES * 10 },
    );
    // The comparison is worth something only while sound answers are common and excuses rare.
    const { excused = 0, ['both take it']: same = 0, ['both refuse']: refused = 0 } = counts;
    const total = excused + same + refused;
    expect(same / total).toBeGreaterThan(0.3);
    expect(refused / total).toBeGreaterThan(0.1);
    expect(excused / total).toBeLessThan(0.1);
  });

  test.each(DIFFERENCES)('the difference is real, and no wider than said: $name', async (known) => {
    const { kind, example, repaired } = known;
    expect(await compare({ method: 'GET', text: example, cuts: [] })).toBe(kind);
    expect(await compare({ method: 'GET', text: repaired, cuts: [] })).toBe('both take it');
    const excusing = (text: string): string[] =>
      DIFFERENCES.filter((other) => other.kind === kind && other.when(takeApart(text))).map((other) => other.name);
    expect(excusing(example)).toEqual([known.name]);
    expect(excusing(repaired)).toEqual([]);
  });
});
