import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../../scripts/setup/find-on-path.mjs';
import { eventually } from '../support/wait.ts';

const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';
const PATH = `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`;

export const isInstalled = (program: string): boolean => findOnPath(program, PATH) !== undefined;

/** Runs a program to its end. @returns what it printed; rejects when it fails or takes too long */
export async function output(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
  child.stdin.on('error', () => undefined); // it need not read
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), 150_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${text}`);
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

export interface Proxy extends AsyncDisposable {
  readonly url: string;
}

/** Starts a proxy that stands before the gateway. @param configure its configuration, for a free port and a folder */
export async function startProxy(
  program: string,
  args: (file: string) => readonly string[],
  configure: (port: number, folder: string) => string,
): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-proxy-'));
  const port = await freePort();
  const file = join(folder, 'proxy.conf');
  writeFileSync(file, configure(port, folder));
  const child = spawn(program, args(file), { env: { ...process.env, PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
  let problem = '';
  child.stderr.on('data', (data: Buffer) => (problem += data.toString()));
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(() => child.exitCode !== null || accepts(port), `${program} accepts`);
    if (child.exitCode !== null) throw new Error(`${program} does not start: ${problem}`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: dispose };
}
