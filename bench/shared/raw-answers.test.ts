import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rawAnswers } from './raw-answers.ts';

const GET = { name: 'raw', method: 'GET', requestBody: undefined } as const;
const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Answers everything at once as soon as it has as many request heads as are due. */
async function serving(due: number, whole: string): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.split('\r\n\r\n').length - 1 === due) socket.end(whole);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/x`,
    [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))),
  };
}

describe('rawAnswers', () => {
  it('cuts the answers apart, heads and bodies', async () => {
    await using server = await serving(3, answer('one') + answer('') + answer('three'));
    expect(await rawAnswers(server.url, GET, 3)).toEqual([answer('one'), answer(''), answer('three')]);
  });

  it('refuses answers that are missing, and what comes behind the last', async () => {
    await using few = await serving(3, answer('one') + answer('two'));
    await expect(rawAnswers(few.url, GET, 3)).rejects.toThrow('2 answers to 3 requests');
    await using many = await serving(1, answer('one') + answer('two'));
    await expect(rawAnswers(many.url, GET, 1)).rejects.toThrow('2 answers to 1 requests');
    await using cut = await serving(1, `${answer('one')}HTTP/1.1 2`);
    await expect(rawAnswers(cut.url, GET, 1)).rejects.toThrow('then "HTTP/1.1 2"');
  });
});
