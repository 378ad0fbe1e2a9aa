import { isIP } from 'node:net';
import { isWholeOrHostName } from '../addresses.ts';
import type { Parsed } from '../parsed.ts';

/** What REDIS_URL says. The port of a node that names none depends on REDIS_MODE. */
export interface RedisUrl {
  readonly tls: boolean;
  readonly nodes: readonly { readonly host: string; readonly port: number | undefined }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number | undefined;
}

const PHRASE =
  'a URL such as redis://user:password@127.0.0.1:6379/0 (rediss:// for TLS) with odd characters percent-encoded';
const NODE = /^(?:(rediss?):\/\/)?(?:([^/?#@\s\\]*)@)?([^/?#@\s\\]+?)(?:\/(\d{0,5}))?$/i;
const ADDRESS = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i;

const fail = (expected: string): { readonly ok: false; readonly expected: string } => ({ ok: false, expected });

/** Text from a URL's user name or password; `undefined` = none, `false` = wrongly encoded. */
function decoded(text: string | undefined): string | undefined | false {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return false;
  }
}

interface OneNode extends Omit<RedisUrl, 'nodes' | 'tls'> {
  readonly tls: boolean | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

function parseNode(text: string): Parsed<OneNode> {
  const [, scheme, login = '', address = '', database = ''] = NODE.exec(text) ?? [];
  const [, ipv6, name = '', port] = ADDRESS.exec(address) ?? [];
  const host = ipv6 ?? name;
  if (ipv6 === undefined ? isIP(name) === 0 && (!isWholeOrHostName(name) || /^[\d.]+$/.test(name)) : isIP(ipv6) !== 6) {
    return fail(PHRASE);
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return fail('a port from 1 to 65535');
  const colon = login.indexOf(':');
  const username = decoded(colon === -1 ? login : login.slice(0, colon));
  const password = decoded(colon === -1 ? undefined : login.slice(colon + 1));
  if (username === false || password === false) return fail(PHRASE);
  return {
    ok: true,
    value: {
      tls: scheme === undefined ? undefined : scheme.toLowerCase() === 'rediss',
      host: host.toLowerCase(),
      port: port === undefined ? undefined : Number(port),
      username,
      password,
      database: database === '' ? undefined : Number(database),
    },
  };
}

/** The one value that the nodes agree on; those that say nothing agree with all. */
function common<T>(values: readonly (T | undefined)[]): { readonly value: T | undefined } | undefined {
  const said = new Set(values.filter((value) => value !== undefined));
  return said.size > 1 ? undefined : { value: [...said][0] };
}

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`, or a comma-separated list of such nodes, where all but the
 * first may leave the scheme out. No message shows any part of the text.
 */
export function parseRedisUrl(text: string): Parsed<RedisUrl> {
  const nodes: OneNode[] = [];
  for (const part of text.split(',')) {
    const parsed = parseNode(part.trim());
    if (!parsed.ok) return parsed;
    nodes.push(parsed.value);
  }
  if (nodes[0]?.tls === undefined) return fail(PHRASE);
  const tls = common(nodes.map((node) => node.tls));
  const username = common(nodes.map((node) => node.username));
  const password = common(nodes.map((node) => node.password));
  const database = common(nodes.map((node) => node.database));
  if (tls === undefined || username === undefined || password === undefined || database === undefined) {
    return fail('nodes with the same scheme, user name, password and database');
  }
  if (new Set(nodes.map(({ host, port }) => `${host} ${port}`)).size < nodes.length) {
    return fail('every node only once');
  }
  return {
    ok: true,
    value: {
      tls: tls.value === true,
      nodes: nodes.map(({ host, port }) => ({ host, port })),
      username: username.value,
      password: password.value,
      database: database.value,
    },
  };
}
