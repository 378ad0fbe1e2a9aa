import { expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import type { LogLine } from '../support/gateway.ts';
import { answerText, statusOf, takeMessage, valueOf, requestText } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { codeOf, startBrowsed } from './browsed.ts';

const ROUTES = `
  - { path: /small, upstream: o, max_response_bytes: 1000, max_query_bytes: 20 }
  - { path: /any, upstream: o }
`;
const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
const IN_CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

describeFronts('sizes', (front) => {
  it('an answer that says it is too large is refused, one that becomes so is cut', async () => {
    await using browsed = await startBrowsed(ROUTES, { front });
    browsed.answer = () => answerText('x'.repeat(1000));
    expect((await browsed.ask('GET', '/small')).body).toHaveLength(1000);
    browsed.answer = () => answerText('x'.repeat(1001));
    const refused = await browsed.ask('GET', '/small');
    expect([statusOf(refused), codeOf(refused)]).toEqual([502, 'response_too_large']);
    expect((await browsed.ask('GET', '/any')).body).toHaveLength(1001);
    browsed.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n';
    expect(valueOf(await browsed.ask('HEAD', '/small'), 'content-length')).toBe('5000');

    browsed.answer = () => `${IN_CHUNKS}${chunk(600)}${chunk(400)}0\r\n\r\n`;
    expect((await browsed.ask('GET', '/small')).body).toHaveLength(1000);
    browsed.answer = () => `${IN_CHUNKS}${chunk(600)}${chunk(401)}0\r\n\r\n`;
    expect(codeOf(await browsed.ask('GET', '/small'))).toBe('response_too_large'); // all of it came at once
    expect((await browsed.ask('GET', '/any')).body).toHaveLength(1001);

    browsed.answer = () => `${IN_CHUNKS}${chunk(600)}`;
    using client = await rawClient(browsed.port);
    client.send(requestText('GET', '/small/cut'));
    await client.until('x'.repeat(600));
    const asked = browsed.upstream.connections.find((each) => each.received().includes('GET /small/cut'));
    asked?.send(chunk(401));
    const text = await client.closed();
    expect([takeMessage(text), text.endsWith('0\r\n\r\n'), text.includes('x'.repeat(601))]).toEqual([
      undefined,
      false,
      false,
    ]);
    await asked?.closed();
    const isTold = (line: LogLine): boolean =>
      line['outcome'] === 'response_too_large' && line['path'] === '/small/cut';
    expect(await browsed.gateway.waitForLog(isTold)).toMatchObject({ route: 'small', status: 200, bytes_sent: 600 });
  });

  it('a query that is too long: 414', async () => {
    await using browsed = await startBrowsed(ROUTES, { front });
    expect(statusOf(await browsed.ask('GET', `/small?${'q'.repeat(20)}`))).toBe(200);
    const refused = await browsed.ask('GET', `/small?${'q'.repeat(21)}`);
    expect([statusOf(refused), codeOf(refused)]).toEqual([414, 'uri_too_long']);
    expect(statusOf(await browsed.ask('GET', `/any?${'q'.repeat(8192)}`))).toBe(200);
    expect(statusOf(await browsed.ask('GET', `/any?${'q'.repeat(8193)}`))).toBe(414);
    expect(browsed.upstream.requests).toHaveLength(2);
  });

  it('too many header fields: 431', async () => {
    await using browsed = await startBrowsed(ROUTES, { front, env: { MAX_HEADER_COUNT: '20' } });
    const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`);
    expect(statusOf(await browsed.ask('GET', '/any', fields(19)))).toBe(200); // and Host
    const refused = await browsed.ask('GET', '/any', fields(20));
    expect([statusOf(refused), codeOf(refused)]).toEqual([431, 'header_too_large']);
  });
});
