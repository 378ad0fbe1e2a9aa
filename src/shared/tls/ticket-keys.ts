import { TICKET_KEY_BYTES } from './material.ts';

export type ParsedTicketKeys =
  | { readonly ok: true; readonly keys: readonly Uint8Array[] }
  /** `line`: the first bad one, from 1; `undefined`: there is none at all. What is in it is secret. */
  | { readonly ok: false; readonly line: number | undefined };

const HEX = new RegExp(`^[0-9a-f]{${TICKET_KEY_BYTES * 2}}$`, 'i');
/** 48 bytes are 64 characters without padding. */
const BASE64 = new RegExp(`^[0-9a-z+/]{${(TICKET_KEY_BYTES * 4) / 3}}$`, 'i');

function parseKey(text: string): Uint8Array | undefined {
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Reads keys of session tickets, a line each; empty lines and those that start with `#` do not count. */
export function parseTicketKeys(text: string): ParsedTicketKeys {
  const keys: Uint8Array[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const key = parseKey(line);
    if (key === undefined) return { ok: false, line: index + 1 };
    keys.push(key);
  }
  return keys.length === 0 ? { ok: false, line: undefined } : { ok: true, keys };
}
