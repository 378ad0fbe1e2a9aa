import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import type { TlsConfig } from '../../src/shared/config/types.ts';
import type { TlsMaterial } from '../../src/shared/tls/material.ts';
import type { HandshakeCounts, HandshakeFailure } from '../../src/workers/gateway/fronts/native/tls-server.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

export interface TlsThreadState {
  readonly counts: HandshakeCounts;
  readonly handshaking: number;
  readonly open: number;
  readonly failures: readonly HandshakeFailure[];
  /** Sockets that are open in the thread, at libuv. */
  readonly sockets: number;
}

export interface TlsThread extends AsyncDisposable {
  readonly worker: Worker;
  readonly port: number;
  state(): Promise<TlsThreadState>;
  /** Asks until it is so. */
  when(holds: (state: TlsThreadState) => boolean): Promise<TlsThreadState>;
  reload(config: TlsConfig, material: TlsMaterial): Promise<void>;
  setTicketKeys(keys: readonly Uint8Array[]): Promise<void>;
}

export const TLS: TlsConfig = {
  certificates: [],
  minVersion: 'TLSv1.2',
  ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  handshakeTimeoutMs: 10_000,
  maxHandshakes: 256,
  ticketKeysFile: undefined,
  clientCaFile: undefined,
};

/** Starts a thread of tls-thread.mjs. */
export async function startTlsThread(opts: {
  readonly config?: Partial<TlsConfig>;
  readonly material: TlsMaterial;
  readonly skip?: number;
}): Promise<TlsThread> {
  const workerData = { ...opts, config: { ...TLS, ...opts.config }, dist: DIST };
  const worker = new Worker(new URL('tls-thread.mjs', import.meta.url), { workerData });
  const [{ port }] = (await once(worker, 'message')) as [{ port: number }];
  const ask = async (message: object): Promise<TlsThreadState> => {
    worker.postMessage(message);
    const [answer] = (await once(worker, 'message')) as [{ state: TlsThreadState }];
    return answer.state;
  };
  const state = (): Promise<TlsThreadState> => ask({ type: 'state' });
  return {
    worker,
    port,
    state,
    when: async (holds) => {
      for (;;) {
        const now = await state();
        if (holds(now)) return now;
        await new Promise((again) => setTimeout(again, 5));
      }
    },
    reload: async (config, material) => void (await ask({ type: 'reload', config, material })),
    setTicketKeys: async (keys) => void (await ask({ type: 'ticket-keys', keys })),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

export interface SecureClient extends Disposable {
  readonly socket: TLSSocket;
  /** Common name of the certificate it was shown. */
  readonly name: string;
  readonly resumed: boolean;
  /** Sends it and resolves with what comes back. */
  echo(text: string): Promise<string>;
  /** The newest session; TLS 1.3 brings one after the handshake, so after an echo. */
  session(): Buffer | undefined;
  closed(): Promise<void>;
}

/** Connects and shakes hands; rejects when that fails. */
export async function secureClient(port: number, options: ConnectionOptions = {}): Promise<SecureClient> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  let newest: Buffer | undefined;
  socket.on('session', (session) => (newest = session));
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  await new Promise<void>((ready, failed) => {
    socket.once('secureConnect', ready);
    socket.on('error', failed);
  });
  const resumed = socket.isSessionReused();
  return {
    socket,
    name: socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? '',
    resumed,
    echo: async (text) => {
      const wanted = `echo ${text}`;
      let received = '';
      const whole = new Promise<string>((done, failed) => {
        const onData = (data: Buffer): void => {
          received += data.toString('latin1');
          if (received.length < wanted.length) return;
          socket.off('data', onData);
          done(received);
        };
        socket.on('data', onData);
        socket.once('close', () => failed(new Error(`closed after ${JSON.stringify(received)}`)));
      });
      socket.write(text);
      return whole;
    },
    // TLS 1.2 says nothing of a ticket that was renewed while a session was taken up again.
    session: () => (socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : newest),
    closed: () => closed,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** `openssl s_client`: what it says, on both of its outputs, and lines for it (`Q` ends it, `R` renegotiates). */
export interface OpensslClient extends Disposable {
  send(text: string): void;
  /** Resolves with all that it said once that holds `part`; rejects when it ends before. */
  until(part: string): Promise<string>;
}

export function opensslClient(port: number, args: readonly string[]): OpensslClient {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args]);
  let text = '';
  let over = false;
  let wake = (): void => {};
  const onData = (data: Buffer): void => {
    text += data.toString('latin1');
    wake();
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  child.on('close', () => {
    over = true;
    wake();
  });
  return {
    send: (line) => void child.stdin.write(line),
    until: (part) =>
      new Promise((found, failed) => {
        wake = () => {
          if (text.includes(part)) found(text);
          else if (over)
            failed(
              new Error(
                `openssl ${args.join(' ')} (${child.exitCode} ${child.signalCode}) ended without ${part}:\n${text}`,
              ),
            );
        };
        wake();
      }),
    [Symbol.dispose]: () => void child.kill(),
  };
}
