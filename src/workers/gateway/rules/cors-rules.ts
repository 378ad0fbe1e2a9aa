import type { CorsConfig } from '../../../shared/config/rules/types.ts';
import { singleField } from '../../../shared/http/field-value.ts';
import { Origins, parseOriginPattern } from '../../../shared/http/origin.ts';
import type { OriginPattern } from '../../../shared/http/origin.ts';

/** What an answer says of a page's rights, lower-case: with rules of ours an upstream's own have no place beside them. */
export const CORS_FIELDS = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-local-network',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
] as const;

const VARY = 'vary: Origin\r\n';

/**
 * What a preflight (Fetch, section 3.3.4) wants to ask with.
 * @param fields lines of an OPTIONS request
 * @returns `undefined`: it is an ordinary one
 */
export function preflightMethod(fields: string): string | undefined {
  const method = singleField(fields, 'access-control-request-method');
  return method === undefined || singleField(fields, 'origin') === undefined ? undefined : method;
}

/** Which pages may use a route, and what browsers are told of it. */
export class CorsRules {
  /** `undefined` = any. */
  readonly #origins: Origins | undefined;
  /** Lines behind the origin. */
  readonly #rights: string;
  /** The answer to a preflight of an origin that may, beside what any answer says. */
  readonly preflightLines: string;

  constructor({ origins, methods, headers, expose, credentials, maxAgeSeconds }: CorsConfig) {
    this.#origins =
      origins === 'any' ? undefined : new Origins(origins.map((origin) => parseOriginPattern(origin) as OriginPattern));
    const line = (name: string, values: readonly string[]): string =>
      values.length === 0 ? '' : `access-control-${name}: ${values.join(', ')}\r\n`;
    this.#rights = line('allow-credentials', credentials ? ['true'] : []) + line('expose-headers', expose);
    this.preflightLines =
      line('allow-methods', methods) + line('allow-headers', headers) + line('max-age', [String(maxAgeSeconds)]);
  }

  /** Lines for every answer to a request with these fields. Caches are told in any case that they depend on the origin. */
  linesFor(fields: string): string {
    if (this.#origins === undefined) return `access-control-allow-origin: *\r\n${this.#rights}${VARY}`;
    const origin = singleField(fields, 'origin');
    if (origin === undefined || !this.#origins.has(origin)) return VARY;
    return `access-control-allow-origin: ${origin}\r\n${this.#rights}${VARY}`;
  }

  /** Whether the lines for a request say that its page may. */
  allows(lines: string): boolean {
    return lines !== VARY;
  }
}
