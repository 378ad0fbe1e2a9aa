import { expect, it } from 'vitest';
import { answerText, ask, requestText, statusOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import { FORWARDING_ONLY, startPair } from '../support/pair.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

describeFronts('a client that leaves unseen', (front) => {
  it('while its body is not read: the refusal that finds nobody ends this connection, and nothing else', async () => {
    // It takes the connection and reads nothing, so that the gateway stops reading its client.
    await using upstream = await rawUpstream((connection) => void connection.socket.pause());
    await using gateway = await startGateway({
      front,
      env: {
        ...FORWARDING_ONLY,
        UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
        BODY_IDLE_TIMEOUT_SECONDS: '2',
        ACCESS_LOG: 'on',
        MAX_BODY_BYTES: String(1024 ** 3),
      },
    });
    const client = await rawClient(gateway.port);
    client.send(requestText('POST', '/proxy/full', ['Content-Length: 100000000']));
    const piece = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 40; i++) client.send(piece);
    await eventually(() => client.socket.writableLength > 0 && upstream.connections.length === 1, 'it is stuck');
    const written = (): number => client.socket.bytesWritten - client.socket.writableLength;
    let before = -1;
    await eventually(() => {
      const same = written() === before;
      before = written();
      return same;
    }, 'nothing is taken any more');
    client.socket.resetAndDestroy();
    await gateway.waitForLog((line) => line['msg'] === 'exchange' && line['path'] === '/proxy/full');
    expect(await ask(gateway.port, requestText('GET', '/health')).then(statusOf)).toBe(200);
    expect(gateway.log.filter((line) => line['level'] === 'error')).toEqual([]);
  });
});

it('a client that sends its end behind several requests gets every answer', async () => {
  await using pair = await startPair({ front: 'native' });
  const { port, answers, upstream } = pair;
  answers.set('/held', () => '');
  using client = await rawClient(port);
  const post = requestText('POST', '/proxy/second', ['Content-Length: 3']);
  client.send(`${requestText('POST', '/proxy/held', ['Content-Length: 2'])}ab${post}abc`);
  client.send(requestText('GET', '/nowhere') + requestText('GET', '/proxy/last'));
  client.socket.end();
  await eventually(() => pair.requestsFor('/held').length === 1, 'the first is at the upstream');
  answers.set('/last', () => answerText('last'));
  upstream.connections[0]?.send(answerText('first'));
  const text = await client.closed();
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  expect(text).toMatch(/connection: close\r\n\r\nlast$/);
});
