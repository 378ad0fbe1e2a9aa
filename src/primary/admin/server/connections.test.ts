import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/wait.ts';
import { createLog } from '../../../shared/log.ts';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import { startAdminServer } from './server.ts';
import type { AdminServer } from './server.ts';

let server: AdminServer;
const sockets: Socket[] = [];
/** Ends the pause of every wrong token that waits. */
let release: (() => void)[];

beforeEach(async () => {
  release = [];
  server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    operations: [
      operation({ method: 'GET', path: '/admin/status', id: 'status', summary: '', handle: () => json(200, {}) }),
      operation({ method: 'POST', path: '/admin/act', id: 'act', summary: '', handle: () => json(200, {}) }),
      operation({
        method: 'GET',
        path: '/admin/stream',
        id: 'stream',
        summary: '',
        handle: () => ({ status: 200, type: 'text/plain', open: (stream) => stream.write('here') }),
      }),
    ],
    token: () => ({ kind: 'given', token: 'right' }),
    log: createLog({ level: 'silent', name: 'test' }),
    pause: () => new Promise((resolve) => release.push(resolve)),
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

async function open(): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket.on('error', () => {}));
  await once(socket, 'connect');
  return socket;
}

/** Sends it; resolves with the status of the answer. */
async function ask(line: string, fields: readonly string[] = []): Promise<string> {
  const socket = await open();
  socket.write(`${line} HTTP/1.1\r\n${['Host: localhost', ...fields, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString('latin1').slice(9, 12);
}

const RIGHT = ['Authorization: Bearer right'];
const WRONG = ['Authorization: Bearer wrong'];

test('300 silent connections keep nobody from status and changes', async () => {
  for (let i = 0; i < 300; i++) await open();
  expect(await ask('GET /admin/status')).toBe('200');
  expect(await ask('POST /admin/act', RIGHT)).toBe('200');
});

test('however many streams are read, who knows the token is heard', async () => {
  const answers: string[] = [];
  for (let i = 0; i < 260; i++) answers.push(await ask('GET /admin/stream'));
  expect([answers.filter((each) => each === '200').length, answers.at(-1)]).toEqual([240, '503']);
  expect(await ask('POST /admin/act', RIGHT)).toBe('200');
});

test('wrong tokens wait, and a right one from the same address is answered at once', async () => {
  const wrong = Array.from({ length: 6 }, () => ask('POST /admin/act', WRONG));
  await eventually(() => release.length === 6, 'they wait');
  expect(await ask('POST /admin/act', RIGHT)).toBe('200');
  expect(await ask('POST /admin/act')).toBe('401'); // no token is not a wrong one
  for (const each of release) each();
  expect(await Promise.all(wrong)).toEqual(Array(6).fill('401'));
});
