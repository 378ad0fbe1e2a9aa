import { createHash } from 'node:crypto';
import type { Gateway } from '../support/gateway.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import type { RawConnection, RawUpstream } from '../support/raw.ts';

/** WebSockets by hand: after the handshake every byte is the test's. */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const headEnd = (text: string): number => text.indexOf('\r\n\r\n') + 4;

export interface RawPeer extends Disposable {
  readonly connection: RawConnection;
  send(bytes: Buffer): void;
  /** What came behind the handshake. */
  received(): Buffer;
  /** Resolves when that is at least so long. */
  got(length: number): Promise<Buffer>;
}

function peerOf(connection: RawConnection): RawPeer {
  const received = (): Buffer => {
    const text = connection.received();
    return Buffer.from(text.slice(headEnd(text)), 'latin1');
  };
  return {
    connection,
    send: (bytes) => connection.send(bytes),
    received,
    got: async (length) => {
      await connection.when((text) => text.length - headEnd(text) >= length, { name: `${length} bytes` });
      return received();
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

export interface RawPair extends AsyncDisposable {
  readonly client: RawPeer;
  readonly upstream: RawPeer;
}

/** An upstream that answers each handshake; see `pair`. @param extensions that it agrees to */
export const rawSocketUpstream = (extensions = ''): Promise<RawUpstream> =>
  rawUpstream((connection, data) => {
    const key = /sec-websocket-key: (\S+)/i.exec(data.toString('latin1'))?.[1];
    if (key === undefined) return;
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    const more = extensions === '' ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    connection.send(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });

/** Both ends of one WebSocket through the gateway. @param n of the upstream's connections, from 0 */
export async function pair(gateway: Gateway, upstream: RawUpstream, n = 0): Promise<RawPair> {
  const client = await rawClient(gateway.port);
  client.send(
    'GET /proxy/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await client.until('\r\n\r\n');
  const connection = await upstream.connection(n);
  return {
    client: peerOf(client),
    upstream: peerOf(connection),
    [Symbol.asyncDispose]: () => {
      client[Symbol.dispose]();
      connection[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
