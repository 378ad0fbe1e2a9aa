import { isAbsolute, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import * as z from 'zod';
import { fromText, listOf } from './parsed.ts';
import type { Parsed } from './parsed.ts';
import { BOUNDS } from './numbers.ts';
import { parseTargets } from './upstreams/target-url.ts';
import type { AccessLogConfig, FrontKind, LogLevel, TargetConfig } from './types.ts';

/** Readers of environment variables that are neither numbers nor addresses. */

const LOG_LEVELS = [
  'fatal',
  'error',
  'warn',
  'info',
  'debug',
  'trace',
  'silent',
] as const satisfies readonly LogLevel[];

/** One of a few words, in the environment or in YAML. */
export const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, { error: `one of ${words.join(', ')}` });

export const logLevel = oneOf(LOG_LEVELS);

export const front = oneOf(['native', 'uws'] as const satisfies readonly FrontKind[]);

export const onOff = z.enum(['on', 'off'], { error: 'on or off' }).transform((word) => word === 'on');

export const accessLog = fromText<AccessLogConfig>((text) => {
  if (text === 'on' || text === 'off') return { ok: true, value: { kind: text } };
  const oneIn = Number(/^sampled:(\d{1,7})$/.exec(text)?.[1] ?? 0);
  const ok = oneIn >= BOUNDS.count.min && oneIn <= BOUNDS.count.max;
  return ok
    ? { ok: true, value: { kind: 'sampled', oneIn } }
    : { ok: false, expected: `on, off or sampled:N with N from 1 to ${BOUNDS.count.max}` };
});

/** How much of the gateway one client may have. */
export const inFlightPerClient = fromText<'fair' | 'off' | number>((text) => {
  if (text === 'fair' || text === 'off') return { ok: true, value: text };
  const { min, max } = BOUNDS.count;
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return count >= min && count <= max
    ? { ok: true, value: count }
    : { ok: false, expected: `fair, off or a whole number from ${min} to ${max}` };
});

/** A file name; whether the file is there is checked where it is read. */
export const fileName = fromText<string>((text) =>
  text.includes('\0') ? { ok: false, expected: 'a file name' } : { ok: true, value: text },
);

/** A folder, named so that it is the same wherever the process was started; it need not be there. */
export const absoluteFolder = fromText<string>((text) =>
  isAbsolute(text) && !text.includes('\0')
    ? { ok: true, value: resolve(text) }
    : { ok: false, expected: 'an absolute path such as /var/lib/resilient-api-gateway' },
);

/** File names with commas between. */
export const fileList = fromText(
  listOf<string>((text) =>
    text === '' || text.includes('\0') ? { ok: false, expected: 'file names' } : { ok: true, value: text },
  ),
);

/** Names that are the same wherever the process was started, with commas between. */
export const absolutePathList = fromText(
  listOf<string>((text) =>
    isAbsolute(text) && !text.includes('\0')
      ? { ok: true, value: resolve(text) }
      : { ok: false, expected: 'absolute paths' },
  ),
);

const TLS13_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/**
 * Ciphers as OpenSSL takes them. Node would switch TLS 1.3 off where none of its ciphers is named, which nobody means who
 * brings a list from another server.
 */
export const cipherList = fromText<string>((text) => {
  const value = /(^|:)TLS_/.test(text) ? text : `${TLS13_CIPHERS}:${text}`;
  try {
    createSecureContext({ ciphers: value, ca: [] }); // without certificates: those of the system take long to read
    return { ok: true, value };
  } catch {
    return { ok: false, expected: "ciphers as OpenSSL's list has them" };
  }
});

/** A token sent in an HTTP field, so visible ASCII only. */
export const token = fromText<string>((text) =>
  /^[!-~]{1,512}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: 'up to 512 visible ASCII characters without spaces' },
);

/** A user of Redis's ACL, or a name that Sentinel knows. */
export const redisWord = fromText<string>((text) =>
  /^[!-~]{1,128}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: 'up to 128 visible ASCII characters without spaces' },
);

/** Any text in one line. */
export const redisPassword = fromText<string>((text) =>
  /^\P{Cc}{1,1024}$/u.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: 'up to 1024 characters without control characters' },
);

const parseTargetList = (text: string): Parsed<readonly TargetConfig[]> =>
  parseTargets(text.split(',').map((part) => part.trim()));

export const targetList = fromText(parseTargetList);
