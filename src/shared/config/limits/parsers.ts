import { FORWARD, requestFieldKind } from '../../http/request-field.ts';
import { parseClientKey, SOURCES } from '../../limits/client-key.ts';
import type { ClientKeySource } from '../../limits/client-key.ts';
import { parseNetwork } from '../addresses.ts';
import { fromText, listOf } from '../parsed.ts';
import type { Parsed } from '../parsed.ts';
import type { AllowlistConfig } from '../types.ts';

/** Readers of the variables that say who a client is. */

const OF_CLIENTS =
  'a header that clients send to the upstream; this one the gateway reads or sets itself (behind proxies: ip and TRUSTED_PROXIES)';

function parseSource(text: string): Parsed<ClientKeySource> {
  const fail = { ok: false, expected: SOURCES } as const;
  try {
    const [source] = parseClientKey(text);
    if (source === undefined) return fail;
    const isOurs = source.kind === 'header' && requestFieldKind(source.name) !== FORWARD;
    return isOurs ? { ok: false, expected: OF_CLIENTS } : { ok: true, value: source };
  } catch (error) {
    if (error instanceof RangeError) return fail;
    throw error;
  }
}

const nameOf = (source: ClientKeySource): string => (source.kind === 'header' ? source.name : source.kind);

function parseSources(text: string): Parsed<readonly ClientKeySource[]> {
  const parsed = listOf(parseSource)(text);
  if (!parsed.ok) return parsed;
  const sources = parsed.value;
  const sameAs = (one: ClientKeySource, other: ClientKeySource): boolean =>
    nameOf(one) === nameOf(other) && (one.kind === 'header') === (other.kind === 'header');
  const twice = sources.find((source, index) => sources.findIndex((other) => sameAs(source, other)) !== index);
  if (twice !== undefined) return { ok: false, expected: 'every source only once', got: nameOf(twice) };
  if (sources.slice(1).some(({ kind }) => kind === 'consumer')) {
    return {
      ok: false,
      expected: 'consumer at the start: who is verified is not named by what is not',
      got: 'consumer',
    };
  }
  return sources.slice(0, -1).some(({ kind }) => kind === 'ip')
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
