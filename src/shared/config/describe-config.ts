import { mayBeSecret } from './rules/secret-fields.ts';
import type { Config } from './types.ts';

/** Keys of the configuration that hold a secret; a test compares them with the secrets of the environment table. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'adminToken',
  'password',
  'sentinelPassword',
  'keys',
  'accessKeyId',
  'secretAccessKey',
  'identity',
]);

const mask = (value: unknown): unknown => (Array.isArray(value) ? value.map(() => '***') : '***');

/** Long, and in a file that is named beside it. */
const LEFT_OUT: ReadonlySet<string> = new Set(['tlsCa']);

/** The configuration as plain data for `gateway check` and the admin API; a secret that is set is `***`, in a list each. */
export const describeConfig = (config: Config): Record<string, unknown> =>
  JSON.parse(
    JSON.stringify(config, function (this: { readonly name?: unknown }, key: string, value: unknown) {
      if (LEFT_OUT.has(key)) return undefined;
      if (SECRET_KEYS.has(key) && value !== undefined) return mask(value);
      // Of a rule for a header field.
      return key === 'value' && typeof this.name === 'string' && mayBeSecret(this.name) ? '***' : value;
    }),
  ) as Record<string, unknown>;
