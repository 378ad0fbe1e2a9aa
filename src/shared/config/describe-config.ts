import { mayBeSecret } from './rules/secret-fields.ts';
import type { Config } from './types.ts';

/** Keys of the configuration that hold a secret; a test compares them with the secrets of the environment table. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'adminToken',
  'signingKeys',
  'password',
  'sentinelPassword',
  'keys',
  'accessKeyId',
  'secretAccessKey',
  'identity',
]);

const mask = (value: unknown): unknown => (Array.isArray(value) ? value.map(() => '***') : '***');

/** Long, and in a file that is named beside it. */
const LEFT_OUT: ReadonlySet<string> = new Set(['tlsCa', 'secretTexts']);

/** In place of a shorter secret only the whole text is masked: its letters are in every other word. */
const LEAST_PART = 4;
const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Hides what came from elsewhere and is secret, however it is written in a URL or a host name. */
function hider(secretTexts: readonly string[]): (text: string) => string {
  if (secretTexts.length === 0) return (text) => text;
  const written = secretTexts.flatMap((text) => [text, encodeURI(text), encodeURIComponent(text)]);
  const patterns = [...new Set(written)].map((text) =>
    text.length < LEAST_PART ? `^${literal(text)}$` : literal(text),
  );
  const secret = new RegExp(patterns.toSorted((a, b) => b.length - a.length).join('|'), 'gi');
  return (text) => text.replaceAll(secret, '***');
}

/** The configuration as plain data for `gateway check` and the admin API; a secret that is set is `***`, in a list each. */
export function describeConfig(config: Config): Record<string, unknown> {
  const hide = hider(config.secretTexts);
  const text = JSON.stringify(config, function (this: { readonly name?: unknown }, key: string, value: unknown) {
    if (LEFT_OUT.has(key)) return undefined;
    if (SECRET_KEYS.has(key) && value !== undefined) return mask(value);
    // Of a rule for a header field.
    if (key === 'value' && typeof this.name === 'string' && mayBeSecret(this.name)) return '***';
    return typeof value === 'string' ? hide(value) : value;
  });
  return JSON.parse(text) as Record<string, unknown>;
}
