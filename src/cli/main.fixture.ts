import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CliIo } from './io.ts';
import { main } from './main.ts';

/** What a command ended with and printed. */
export interface Result {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, without files and environment but these. */
export async function gateway(
  args: readonly string[],
  { env = {}, files = {} }: { env?: CliIo['env']; files?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const out: string[] = [];
  const err: string[] = [];
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
    return text;
  };
  const code = await main(args, {
    env,
    readFile,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    colours: false,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** An admin port that answers as the handler says. */
export async function withAdmin(handler: RequestListener, body: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await body((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
