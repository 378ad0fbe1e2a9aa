import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOnPath } from '../../scripts/setup/find-on-path.mjs';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';
import { socketUpstream } from './peers.ts';
import type { SocketUpstream } from './peers.ts';

/** A real browser, with a page of the gateway's own origin. */

const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
/** A page's script waits for an end of its own making; this is for one that never comes. */
const MOST_MS = 120_000;

let folder: string;
let browser: BrowserContext;
let upstream: SocketUpstream;
let gateway: Gateway;
let page: Page;

beforeAll(async () => {
  const path = process.env['PATH'] ?? '';
  const executablePath = findOnPath('chromium', path) ?? findOnPath('google-chrome', path);
  if (executablePath === undefined) throw new Error('neither chromium nor google-chrome is on PATH');
  folder = mkdtempSync(join(tmpdir(), 'gateway-test-browser-'));
  browser = await chromium.launchPersistentContext(folder, { executablePath, args: [...ARGS], timeout: MOST_MS });
  browser.setDefaultTimeout(MOST_MS);
  upstream = await socketUpstream({
    echo: true,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('v2') ? 'v2' : false),
    onPeer: ({ socket }) => {
      socket.on('message', (data: Buffer) => {
        if (data.toString() === 'bye') socket.close(4001, 'as you like');
      });
    },
  });
  const port = await freePort(); // the page's origin stands in the configuration
  const route = (path: string, more = ''): string => `  - { path: ${path}, upstream: o, websocket: { ${more} } }\n`;
  gateway = await startGateway({
    env: { PORT: String(port), ACCESS_LOG: 'off', DRAIN_TIMEOUT_SECONDS: '3' },
    yaml:
      `upstreams: { o: { url: "${upstream.url}" } }\nroutes:\n  - { path: /page, upstream: o }\n${route('/ws')}` +
      route('/own', `origins: ["http://127.0.0.1:${port}"]`) +
      route('/other', 'origins: ["https://elsewhere.example"]') +
      route('/small', 'max_message_bytes: 50') +
      route('/few', 'message_limits: [{ capacity: 3, refill_per_second: 0.001 }]'),
  });
  page = await browser.newPage();
  await page.goto(`${gateway.url}/page`);
});
afterAll(async () => {
  await browser.close();
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly opened: boolean;
  readonly protocol: string;
  readonly extensions: string;
  /** Texts as they are, others as `bytes:<length>:<sum of bytes>`. */
  readonly messages: readonly string[];
  readonly code: number;
  readonly reason: string;
  readonly clean: boolean;
}

/**
 * Opens a WebSocket in the page, sends, and resolves when it is over.
 * @param sends expressions of the page, one a message; the last should make somebody close
 */
const visit = (path: string, sends: readonly string[], protocols: readonly string[] = []): Promise<Told> =>
  page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '${path}', ${JSON.stringify(protocols)});
    socket.binaryType = 'arraybuffer';
    const told = { opened: false, protocol: '', extensions: '', messages: [] };
    socket.onopen = () => {
      told.opened = true;
      told.protocol = socket.protocol;
      told.extensions = socket.extensions;
      for (const each of [${sends.join(',')}]) socket.send(each);
    };
    socket.onmessage = ({ data }) => told.messages.push(typeof data === 'string' ? data
      : 'bytes:' + data.byteLength + ':' + new Uint8Array(data).reduce((sum, byte) => sum + byte, 0));
    socket.onclose = ({ code, reason, wasClean }) => resolve({ ...told, code, reason, clean: wasClean });
  })`);

test('a browser talks through the gateway: compressed, with a protocol, texts and bytes, to a clean end', async () => {
  const sends = [`'grüße 🐝'`, `''`, `'x'.repeat(200000)`, `new Uint8Array(300000).fill(2)`, `'bye'`];
  const told = await visit('/ws', sends, ['v1', 'v2']);
  expect({ ...told, messages: told.messages.map((each) => each.slice(0, 20)) }).toEqual({
    opened: true,
    protocol: 'v2',
    extensions: expect.stringContaining('permessage-deflate'),
    messages: ['grüße 🐝', '', 'x'.repeat(20), 'bytes:300000:600000', 'bye'],
    code: 4001,
    reason: 'as you like',
    clean: true,
  });
  expect(told.messages[2]).toHaveLength(200_000);
});

test('pages of other origins get none', async () => {
  expect(await visit('/own', [`'bye'`])).toMatchObject({ opened: true, code: 4001 });
  expect(await visit('/other', [`'bye'`])).toMatchObject({ opened: false, code: 1006, clean: false });
});

test('the codes of the gateway arrive: too big, too many, going away', async () => {
  expect(await visit('/small', [`crypto.getRandomValues(new Uint8Array(400))`])).toMatchObject({
    code: 1009,
    reason: 'message too big',
    clean: true,
  });
  expect(await visit('/few', [`'1'`, `'2'`, `'3'`, `'4'`])).toMatchObject({
    code: 1008,
    reason: 'rate_limited',
    clean: true,
  });
  const before = upstream.peers.length;
  const staying = visit('/ws', [`'hello'`]);
  const peer = await upstream.peer(before);
  await peer.got(1);
  expect(await gateway.stop('SIGTERM')).toBe(0);
  expect(await staying).toMatchObject({ opened: true, messages: ['hello'], code: 1001, clean: true });
});
