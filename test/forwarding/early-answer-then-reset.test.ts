import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, ask, requestText } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

const UPLOAD_BYTES = 3 * 1024 * 1024;
const UPLOAD = 'u'.repeat(UPLOAD_BYTES);

/** Answers as soon as the first bytes of a request are here, then resets: what comes of the upload is nobody's. */
let upstream: Server;
let gateway: Gateway;
beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      const untilClose = data.toString('latin1').includes('/until-close');
      const text = untilClose ? 'HTTP/1.1 200 OK\r\n\r\nhalf' : answerText('early');
      socket.write(text, () => socket.resetAndDestroy());
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  gateway = await startGateway({
    env: {
      ...FORWARDING_ONLY,
      ACCESS_LOG: 'off',
      UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  upstream.close();
});

describe('a reset right behind an early answer to an upload', () => {
  it('the answer is given to the client', async () => {
    const upload = requestText('POST', '/proxy/early', [`Content-Length: ${UPLOAD_BYTES}`]) + UPLOAD;
    const got: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { startLine, body } = await ask(gateway.port, upload);
      got.push(`${startLine} ${body}`);
    }
    expect([...new Set(got)]).toEqual(['HTTP/1.1 200 OK early']);
  });

  it('where the answer lasts up to the end of the connection, it is no whole answer', async () => {
    const upload = requestText('POST', '/proxy/until-close', [`Content-Length: ${UPLOAD_BYTES}`]) + UPLOAD;
    const whole = async (): Promise<boolean> => {
      try {
        return (await ask(gateway.port, upload)).startLine.includes('200');
      } catch {
        return false; // cut
      }
    };
    for (let n = 0; n < 20; n++) expect(await whole()).toBe(false);
  });
});
