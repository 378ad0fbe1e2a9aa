import type { ReservedBits } from './frame-reader.ts';
import { extensionsOf, valuesOf } from './handshake-fields.ts';
import type { Handshake } from './handshake-request.ts';

/** What of a 101 is looked at. */
export interface SwitchingHead {
  /** The value of Upgrade, in lower case, where Connection names that. */
  readonly upgradesTo: string;
  /** Lines with CRLF between them. */
  readonly fields: string;
}

/** What the peers have agreed on, as far as it matters to who passes frames on. */
export interface Agreement {
  readonly reserved: ReservedBits;
}

/**
 * Judges a server's 101 as the client would (RFC 6455, section 4.1): a wrong one must not reach it as a beginning.
 * @returns what is wrong with it, in words for the log, or what it agrees on
 */
export function judgeAnswer({ upgradesTo, fields }: SwitchingHead, asked: Handshake): Agreement | string {
  if (upgradesTo !== 'websocket') return 'it changes to something else than a WebSocket';
  const accepts = valuesOf(fields, 'sec-websocket-accept');
  if (accepts.length !== 1 || accepts[0] !== asked.accept) return 'Sec-WebSocket-Accept does not fit the key';
  const chosen = valuesOf(fields, 'sec-websocket-protocol');
  const offered = chosen.every((protocol) => asked.protocols.includes(protocol));
  if (chosen.length > 1 || !offered) return 'Sec-WebSocket-Protocol is none that was offered';
  const extensions = extensionsOf(valuesOf(fields, 'sec-websocket-extensions'));
  if (extensions === undefined) return 'Sec-WebSocket-Extensions is not a list of extensions';
  if (!extensions.every((name) => asked.extensions.includes(name))) return 'an extension was not offered';
  return { reserved: reservedBy(extensions) };
}

function reservedBy(extensions: readonly string[]): ReservedBits {
  if (extensions.length === 0) return 'none';
  return extensions.every((name) => name === 'permessage-deflate') ? 'compression' : 'any';
}
