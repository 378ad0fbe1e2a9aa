import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { NameCache } from '../../names/name-cache.ts';
import { fetchText } from './fetch-text.ts';

const names = new NameCache({
  find: (name) =>
    Promise.resolve(
      name === 'idp.test'
        ? { kind: 'found', addresses: ['127.0.0.1'], ttlMs: undefined }
        : { kind: 'none', code: 'ENOTFOUND' },
    ),
});
const close: (() => void)[] = [];
afterEach(() => {
  for (const each of close.splice(0)) each();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const get = (port: number, { host = 'idp.test', timeoutMs = 5_000 } = {}): ReturnType<typeof fetchText> =>
  fetchText(`http://${host}:${port}/keys?a=1`, { names, timeoutMs });

test('a document comes whole, through the front’s own names', async () => {
  const port = await serve(({ url, headers }, answer) => answer.end(`${url} ${headers.host}`));
  expect(await get(port)).toEqual({ ok: true, text: `/keys?a=1 idp.test:${port}` });
  expect(await get(port, { host: '127.0.0.1' })).toMatchObject({ ok: true });
  expect(await get(port, { host: 'nobody.test' })).toEqual({ ok: false, why: 'ENOTFOUND' });
});

const fill = 'x'.repeat(65_536);
test.each<[string, RequestListener, string]>([
  ['an error', (_, answer) => answer.writeHead(500).end('{"keys":[]}'), 'it answers 500'],
  ['a redirect', (_, answer) => answer.writeHead(302, { location: '/other' }).end(), 'it answers 302'],
  ['nothing', () => {}, 'no whole answer within 0.2 s'],
  ['half an answer', (_, answer) => answer.writeHead(200).write('{"keys":'), 'no whole answer within 0.2 s'],
  [
    'an end in the middle',
    (_, answer) => answer.writeHead(200, { 'content-length': 9 }).write('{', () => answer.destroy()),
    'ECONNRESET',
  ],
  ['an end at once', ({ socket }) => socket.destroy(), 'ECONNRESET'],
  ['no HTTP', ({ socket }) => socket.end('hello\r\n\r\n'), 'HPE_INVALID_CONSTANT'],
  [
    'more and more',
    (_, answer) => {
      const more = (): void => void answer.write(fill, () => answer.destroyed || more());
      more();
    },
    'its answer has more than 256 KiB',
  ],
])('an issuer that answers with %s has failed', async (_name, listener, why) => {
  const timeoutMs = why.startsWith('no whole') ? 200 : 5_000;
  expect(await get(await serve(listener), { timeoutMs })).toEqual({ ok: false, why });
});

test('nobody listens', async () => {
  const port = await serve(() => {});
  close.pop()?.();
  expect(await get(port)).toEqual({ ok: false, why: 'ECONNREFUSED' });
});
