import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { answerText, requestText } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { eventually } from '../support/wait.ts';

// TLS in Node takes one write at a time: a second before the first is over ends the process.

let authority: TestAuthority;
let pair: Pair;
beforeAll(async () => {
  authority = createAuthority();
  const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
  pair = await startPair({ front: 'native', env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

async function secureClient(): Promise<{ readonly socket: TLSSocket; received(): string } & Disposable> {
  const socket = connect({ host: '127.0.0.1', port: pair.port, rejectUnauthorized: false });
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return { socket, received: () => text, [Symbol.dispose]: () => void socket.destroy() };
}

it('an early hint and the answer behind it, in one read of the upstream', async () => {
  const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
  pair.answers.set('/hinted', () => hint + answerText('styled'));
  using client = await secureClient();
  client.socket.write(requestText('GET', '/proxy/hinted'));
  await eventually(() => client.received().endsWith('styled'), 'the answer is here');
  expect(pair.gateway.process.exitCode).toBeNull();
});

it('answers that come one after the other while an earlier one is still going out', async () => {
  const large = 'x'.repeat(300_000);
  for (let i = 0; i < 8; i++) pair.answers.set(`/part${i}`, () => answerText(large + i));
  using client = await secureClient();
  client.socket.pause();
  client.socket.write(Array.from({ length: 8 }, (_, i) => requestText('GET', `/proxy/part${i}`)).join(''));
  await eventually(() => pair.upstream.requests.length > 3, 'requests are at the upstream');
  client.socket.resume();
  await eventually(() => client.received().endsWith('x7'), 'every answer is here');
  expect(client.received().match(/x\d/g)?.join('')).toBe('x0x1x2x3x4x5x6x7');
  expect(client.received().replace(/[^x]/g, '').length).toBeGreaterThanOrEqual(8 * large.length);
});

it('answers that stand before one that is cut', async () => {
  pair.answers.set('/held', () => '');
  pair.answers.set('/whole', () => answerText('whole'));
  pair.answers.set('/cut', (_request, upstream) => {
    upstream.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf');
    return '';
  });
  using client = await secureClient();
  client.socket.write(['/held', '/whole', '/cut'].map((path) => requestText('GET', `/proxy${path}`)).join(''));
  await eventually(() => pair.requestsFor('/cut').length === 1, 'all are at the upstream');
  const closed = once(client.socket, 'close');
  const held = pair.upstream.connections.find((each) => each.received().includes('GET /held'));
  held?.send(answerText('held'));
  await closed;
  expect(client.received().match(/held$|held(?=HTTP)|whole(?=HTTP)|half$/g)).toEqual(['held', 'whole', 'half']);
});
