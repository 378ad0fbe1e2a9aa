import { isIP } from 'node:net';
import { isWholeOrHostName } from '../addresses.ts';
import { parsePrefixPath } from '../routes/path.ts';
import type { Parsed } from '../parsed.ts';
import type { TargetConfig } from '../types.ts';

export const TARGET_PHRASE = 'an http or https URL such as http://10.0.0.1:8080';

/**
 * A target as an operator writes it: `http://10.0.0.1:8080`, `https://[::1]:8443/base`. The URL parser of the platform
 * forgives too much (backslashes, control characters, `..`), so the text is checked first.
 */
export function parseTarget(text: string): Parsed<TargetConfig> {
  const fail = (expected: string): Parsed<TargetConfig> => ({ ok: false, expected });
  if (/^https?:\/\/[^/]*@/i.test(text)) return fail('a URL without user name and password');
  if (/[?#]/.test(text)) return fail('a URL without query or fragment');
  const match = /^https?:\/\/[^\s/\\@]+(\/[!-~]*)?$/i.exec(text);
  if (match === null || !URL.canParse(text)) return fail(TARGET_PHRASE);

  const url = new URL(text);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  if (isIP(host) === 0 && !isWholeOrHostName(host)) return fail(TARGET_PHRASE);
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  if (port === 0) return fail('a URL with a port from 1 to 65535');

  const basePath = (match[1] ?? '').replace(/\/$/, '');
  const parsedPath = basePath === '' ? undefined : parsePrefixPath(basePath);
  if (parsedPath?.ok === false) return fail(`a URL with ${parsedPath.expected}`);
  return { ok: true, value: { origin: url.origin, secure, host, port, basePath } };
}

/** Targets that differ, at least one. */
export function parseTargets(texts: readonly string[]): Parsed<readonly TargetConfig[]> {
  const targets = new Map<string, TargetConfig>();
  for (const text of texts) {
    const parsed = parseTarget(text);
    if (!parsed.ok) return { ...parsed, got: text };
    const id = parsed.value.origin + parsed.value.basePath;
    if (targets.has(id)) return { ok: false, expected: 'every target only once', got: text };
    targets.set(id, parsed.value);
  }
  return { ok: true, value: [...targets.values()] };
}
