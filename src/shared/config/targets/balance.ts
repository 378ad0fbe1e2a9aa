import { FORWARD, requestFieldKind } from '../../http/request-field.ts';
import type { Parsed } from '../parsed.ts';
import type { BalanceConfig } from '../types.ts';

export const BALANCE_PHRASE = 'p2c, consumer, ip, header:NAME or cookie:NAME';
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110, section 5.6.2; RFC 6265, section 4.1.1

/** What keeps requests on one target. @returns undefined in the value: nothing does */
export function parseBalance(text: string): Parsed<BalanceConfig | undefined> {
  if (text === 'p2c') return { ok: true, value: undefined };
  if (text === 'consumer' || text === 'ip') return { ok: true, value: { kind: text } };
  const [, kind, name = ''] = /^(header|cookie):(.*)$/.exec(text) ?? [];
  if (!TOKEN.test(name)) return { ok: false, expected: BALANCE_PHRASE };
  if (kind === 'cookie') return { ok: true, value: { kind, name } };
  const lower = name.toLowerCase();
  if (requestFieldKind(lower) !== FORWARD)
    return {
      ok: false,
      expected: 'a header that clients send to the upstream; this one the gateway reads or sets itself',
    };
  return { ok: true, value: { kind: 'header', name: lower } };
}
