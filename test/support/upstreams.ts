import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the upstream saw it. Times are of `performance.now` in the test's process. */
export interface Call {
  readonly path: string;
  readonly arrivedMs: number;
  /** Requests under way when it came, itself included. */
  readonly inFlight: number;
  /** Requests answered before it came, since the last `clear`. */
  readonly answeredBefore: number;
}

/** What it does with a request: a status, or whatever the test does with the answer; `hold` keeps it until release. */
export type Behaviour = number | 'hold' | 'reset' | 'garbage' | ((response: ServerResponse, call: Call) => void);

/** An HTTP upstream that does what the test says at the moment. */
export interface ScriptedUpstream extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** For every request from now on whose path `onPath` does not know. */
  behaviour: Behaviour;
  readonly onPath: Map<string, Behaviour>;
  /** Every request, in order, since the last `clear`. */
  readonly calls: Call[];
  readonly inFlight: number;
  /** When the last failure (5xx) went out. */
  readonly lastFailureMs: number;
  clear(): void;
  /** Answers all that are held. */
  release(status?: number): void;
  /** Resets the connections of all that are held. */
  cut(): void;
}

/** An HTTP upstream of one's own making, on a free port. */
export async function httpUpstream(
  answer: RequestListener,
  options: { readonly keepAliveTimeout?: number } = {},
  host = '127.0.0.1',
): Promise<{ readonly port: number; readonly url: string } & AsyncDisposable> {
  const server = createServer(options, answer).listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export async function scriptedUpstream(): Promise<ScriptedUpstream> {
  const held = new Set<ServerResponse>();
  let inFlight = 0;
  let answered = 0;
  let lastFailureMs = 0;
  const end = (response: ServerResponse, status: number): void => {
    if (status >= 500) lastFailureMs = performance.now();
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`upstream says ${status}\n`);
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    inFlight++;
    const path = (request.url ?? '').replace(/\?.*/, '');
    const call: Call = { path, arrivedMs: performance.now(), inFlight, answeredBefore: answered };
    upstream.calls.push(call);
    response.once('close', () => {
      inFlight--;
      held.delete(response);
      if (response.writableFinished) answered++;
    });
    const behaviour = upstream.onPath.get(path) ?? upstream.behaviour;
    request.resume();
    if (typeof behaviour === 'function') behaviour(response, call);
    else if (behaviour === 'hold') held.add(response);
    else if (behaviour === 'reset') response.socket?.destroy();
    else if (behaviour === 'garbage') response.socket?.end('220 smtp.example ESMTP\r\n');
    else end(response, behaviour);
  };
  const server = await httpUpstream(handle, { keepAliveTimeout: 120_000 });
  const upstream: ScriptedUpstream = {
    ...server,
    behaviour: 200,
    onPath: new Map(),
    calls: [],
    get inFlight() {
      return inFlight;
    },
    get lastFailureMs() {
      return lastFailureMs;
    },
    clear: () => {
      upstream.calls.length = 0;
      answered = 0;
    },
    release: (status = 200) => {
      for (const response of held) end(response, status);
      held.clear();
    },
    cut: () => {
      for (const response of held) response.socket?.resetAndDestroy();
      held.clear();
    },
  };
  return upstream;
}
