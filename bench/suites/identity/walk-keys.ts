import { once } from 'node:events';
import { connect } from 'node:net';

/** Requests on their way on each connection. */
const AHEAD = 16;
const STATUS = /HTTP\/1\.1 (\d{3})/g;
/** `HTTP/1.1 200` may be cut anywhere. */
const LONGEST_CUT = 'HTTP/1.1 200'.length - 1;

export interface Walk {
  readonly port: number;
  readonly path: string;
  readonly keys: readonly string[];
  readonly connections: number;
}

/** Sends one request with each key, on kept connections. @returns how often each status was answered */
export async function walkKeys({ port, path, keys, connections }: Walk): Promise<Readonly<Record<string, number>>> {
  const seen: Record<string, number> = {};
  let next = 0;
  const textOf = (): string | undefined => {
    const key = keys[next++];
    return key === undefined ? undefined : `GET ${path} HTTP/1.1\r\nhost: bench\r\nx-api-key: ${key}\r\n\r\n`;
  };
  const walk = async (): Promise<void> => {
    const socket = connect(port, '127.0.0.1');
    let underWay = 0;
    let rest = '';
    const send = (): void => {
      let text = '';
      for (; underWay < AHEAD; underWay++) {
        const one = textOf();
        if (one === undefined) break;
        text += one;
      }
      if (text !== '') socket.write(text, 'latin1');
      else if (underWay === 0) socket.end();
    };
    socket.on('data', (data) => {
      const text = rest + data.toString('latin1');
      let end = 0;
      for (const found of text.matchAll(STATUS)) {
        const [whole, status = ''] = found;
        seen[status] = (seen[status] ?? 0) + 1;
        underWay--;
        end = found.index + whole.length;
      }
      rest = text.slice(Math.max(end, text.length - LONGEST_CUT));
      send();
    });
    await once(socket, 'connect');
    send();
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: connections }, walk));
  return seen;
}
