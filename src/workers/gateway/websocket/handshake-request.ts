import { createHash } from 'node:crypto';
import { trimBlanks } from '../../../shared/http/field.ts';
import type { WebSocketConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { extensionsOf, tokensOf, valuesOf } from './handshake-fields.ts';

/** What of a request's head is looked at. */
export interface AskingHead {
  readonly method: string;
  /** What it would change to: the values of Upgrade, where Connection names that. */
  readonly upgrade: string;
  readonly fields: string;
  readonly contentLength: number;
  readonly chunked: boolean;
}

/** A handshake that may go on: what the answer to it has to fit (RFC 6455, section 4.1). */
export interface Handshake {
  /** What Sec-WebSocket-Accept must say. */
  readonly accept: string;
  readonly protocols: readonly string[];
  /** Names, in lower case. */
  readonly extensions: readonly string[];
}

/** Why it may not. */
export interface HandshakeRefusal {
  readonly refused: ErrorCode;
  readonly detail?: string;
}

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

const refusal = (detail: string): HandshakeRefusal => ({ refused: 'bad_request', detail });

/** Whether a request asks for a WebSocket; other protocols are none of ours, and Upgrade is ignored then. */
const asksForOne = (upgrade: string): boolean =>
  upgrade.split(',').some((each) => trimBlanks(each).toLowerCase() === 'websocket');

/** Judges the opening handshake of a client (RFC 6455, section 4.2.1). @returns `undefined` = it asks for no WebSocket */
export function judgeHandshake(
  head: AskingHead,
  { origins }: Pick<WebSocketConfig, 'origins'>,
): Handshake | HandshakeRefusal | undefined {
  const { fields } = head;
  if (!asksForOne(head.upgrade)) return undefined;
  if (head.upgrade.includes(',')) return refusal('Upgrade has more than one value.');
  if (head.method !== 'GET') return refusal('A WebSocket is asked for with GET.');
  if (head.contentLength > 0 || head.chunked) return refusal('A request for a WebSocket has no body.');
  const versions = valuesOf(fields, 'sec-websocket-version');
  if (versions.length !== 1) return refusal('Sec-WebSocket-Version is missing or repeated.');
  if (versions[0] !== '13') return { refused: 'websocket_version' };
  const [key = '', ...more] = valuesOf(fields, 'sec-websocket-key');
  if (more.length > 0 || !KEY.test(key)) return refusal('Sec-WebSocket-Key is not 16 bytes in base64.');
  const protocols = tokensOf(valuesOf(fields, 'sec-websocket-protocol'));
  if (protocols === undefined) return refusal('Sec-WebSocket-Protocol is not a list of different tokens.');
  const extensions = extensionsOf(valuesOf(fields, 'sec-websocket-extensions'));
  if (extensions === undefined) return refusal('Sec-WebSocket-Extensions is not a list of extensions.');
  const [origin = '', ...others] = valuesOf(fields, 'origin');
  if (origins !== undefined && (others.length > 0 || !origins.includes(origin))) {
    return { refused: 'origin_not_allowed' };
  }
  return {
    accept: createHash('sha1')
      .update(key + GUID)
      .digest('base64'),
    protocols,
    extensions,
  };
}
