import { parseClientKey } from '../../limits/client-key.ts';
import type { ClientKeySource } from '../../limits/client-key.ts';
import { parseNetwork } from '../addresses.ts';
import { fromText, listOf } from '../parsed.ts';
import type { Parsed } from '../parsed.ts';
import type { AllowlistConfig } from '../types.ts';

/** Readers of the variables that say who a client is. */

function parseSource(text: string): Parsed<ClientKeySource> {
  const fail = { ok: false, expected: 'ip, header:NAME or header-plain:NAME' } as const;
  try {
    const [source] = parseClientKey(text);
    return source === undefined ? fail : { ok: true, value: source };
  } catch (error) {
    if (error instanceof RangeError) return fail;
    throw error;
  }
}

const nameOf = (source: ClientKeySource): string => (source.kind === 'ip' ? 'ip' : source.name);

function parseSources(text: string): Parsed<readonly ClientKeySource[]> {
  const parsed = listOf(parseSource)(text);
  if (!parsed.ok) return parsed;
  const names = parsed.value.map(nameOf);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { ok: false, expected: 'every header and ip only once', got: twice };
  return names.slice(0, -1).includes('ip')
    ? { ok: false, expected: 'ip at the end: every request has an address, so nothing after it counts' }
    : parsed;
}

/** RATE_LIMIT_KEY. */
export const clientKey = fromText(parseSources);

/** Meant as an address or CIDR block, however badly written: not to be taken for the key of a client. */
const LIKE_A_NETWORK = /^(?:\d+(?:\.\d+){3}|[\da-f.]*(?::[\da-f.]*){2,}|[\d.]+(?=\/))(?:\/.*)?$/i;
const KEY = /^[!-~]{1,512}$/;

type Entry = { readonly cidr: string } | { readonly key: string };

function parseEntry(text: string): Parsed<Entry> {
  const network = parseNetwork(text);
  if (network.ok) return { ok: true, value: { cidr: network.value } };
  if (LIKE_A_NETWORK.test(text)) return network;
  if (KEY.test(text)) return { ok: true, value: { key: text } };
  // It may be an API key, so it is not shown.
  const expected = 'addresses, CIDR blocks and client keys (up to 512 visible ASCII characters)';
  return { ok: false, expected, got: text === '' ? '' : '***' };
}

/** RATE_LIMIT_ALLOWLIST. */
export const allowlist = fromText<AllowlistConfig>((text) => {
  const parsed = listOf(parseEntry)(text);
  if (!parsed.ok) return parsed;
  const cidrs = parsed.value.flatMap((entry) => ('cidr' in entry ? [entry.cidr] : []));
  const keys = parsed.value.flatMap((entry) => ('key' in entry ? [entry.key] : []));
  return { ok: true, value: { cidrs, keys } };
});
