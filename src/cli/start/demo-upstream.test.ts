import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../../test/support/ports.ts';
import { startDemoUpstream } from './demo-upstream.ts';
import { recordedLog } from './recorded-log.ts';
import { untilPasses } from '../../../test/support/wait.ts';

/** The contract with src/demo: PORT and HOST, a message when it listens. `/die` ends it. */
const PROGRAM = `import { createServer } from 'node:http';
const server = createServer((req, res) => (req.url === '/die' ? process.exit(1) : res.end(String(process.pid))));
server.listen(Number(process.env.PORT), process.env.HOST, () => process.send({ type: 'ready' }));
process.on('disconnect', () => process.exit(0));`;

let folder: string;
let entry: URL;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-demo-'));
  writeFileSync(join(folder, 'upstream.mjs'), PROGRAM);
  entry = pathToFileURL(join(folder, 'upstream.mjs'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const answer = async (port: number, path = '/'): Promise<string> =>
  await (await fetch(`http://127.0.0.1:${port}${path}`)).text();

describe('the demo upstream', () => {
  test('is started, said how to turn off, and gone after close', async () => {
    const port = await freePort();
    const { log, lines } = recordedLog();
    const demo = startDemoUpstream({ port, log, entry });
    await untilPasses(() => expect(lines).toHaveLength(1));
    expect(lines[0]?.message).toMatch(/started the demo upstream on http:\/\/127\.0\.0\.1:\d+; set UPSTREAM_URL/);
    expect(await answer(port)).toMatch(/^\d+$/);
    await demo.close();
    await expect(answer(port)).rejects.toThrow('fetch failed');
    expect(lines).toHaveLength(1);
  });

  test('is not started where something answers already', async () => {
    const server = createServer((_req, res) => res.writeHead(404).end('mine'));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { log, lines } = recordedLog();
    const demo = startDemoUpstream({ port, log, entry });
    await untilPasses(() => expect(lines[0]?.message).toContain('something answers'));
    await demo.close();
    expect(await answer(port)).toBe('mine');
    server.closeAllConnections();
    server.close();
  });

  test('is started again when it dies', async () => {
    const port = await freePort();
    const { log, lines } = recordedLog();
    const demo = startDemoUpstream({ port, log, entry });
    await untilPasses(() => expect(lines).toHaveLength(1));
    const first = await answer(port);
    await answer(port, '/die').catch(() => {});
    await untilPasses(() => expect(lines).toHaveLength(3));
    expect(lines[1]).toMatchObject({ level: 'warn', fields: { code: 1 } });
    expect(await answer(port)).not.toBe(first);
    await demo.close();
  });
});
