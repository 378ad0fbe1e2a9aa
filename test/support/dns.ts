import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

/** What a DNS server says of a name: its addresses, that there is no such name, that it failed, or nothing at all. */
export type DnsEntry = readonly string[] | 'nxdomain' | 'servfail' | 'silent';

export interface DnsServer extends AsyncDisposable {
  /** As node:dns takes it. */
  readonly address: string;
  /** By name in lower case; what is not in it does not exist. */
  readonly names: Map<string, DnsEntry>;
  /** Of every answer. */
  ttlSeconds: number;
  /** It reads questions and answers none. */
  silent: boolean;
  /** Names that were asked for, as `name A` or `name AAAA`. */
  readonly questions: string[];
}

const TYPES = { A: 1, AAAA: 28 } as const;
const CODES = { noerror: 0, servfail: 2, nxdomain: 3 } as const;

/** A DNS server over UDP on a free port of loopback (RFC 1035, sections 4.1 and 4.2.1); one question a message. */
export async function dnsServer(names: Readonly<Record<string, DnsEntry>> = {}): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const server: DnsServer = {
    address: '',
    names: new Map(Object.entries(names)),
    ttlSeconds: 30,
    silent: false,
    questions: [],
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('message', (message, from) => answer(server, { socket, message, from }));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(server, { address: `127.0.0.1:${socket.address().port}` });
}

interface Question {
  readonly socket: Socket;
  readonly message: Buffer;
  readonly from: RemoteInfo;
}

function answer(server: DnsServer, { socket, message, from }: Question): void {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5; // the root's length, type and class
  const type = message.readUInt16BE(at + 1);
  const name = labels.join('.').toLowerCase();
  server.questions.push(`${name} ${type === TYPES.A ? 'A' : 'AAAA'}`);
  const entry = server.names.get(name) ?? 'nxdomain';
  if (server.silent || entry === 'silent') return;
  const addresses = typeof entry === 'string' ? [] : entry.filter((each) => isIPv4(each) === (type === TYPES.A));
  const code = typeof entry === 'string' ? CODES[entry] : CODES.noerror;
  const head = Buffer.alloc(12);
  message.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8580 | code, 2); // an answer with authority, recursion as asked and there
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => record(type, server.ttlSeconds, bytesOf(address)));
  socket.send(Buffer.concat([head, message.subarray(12, end), ...records]), from.port, from.address);
}

function record(type: number, ttlSeconds: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0); // the name is the question's
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttlSeconds, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
