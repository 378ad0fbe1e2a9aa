/**
 * Origins as browsers say them in `Origin` (RFC 6454, section 6.2; Fetch, section 3.2): scheme, host in lower case, and a
 * port where it is not the scheme's own.
 */

const WEB = /^(https?):\/\/(\*\.)?([^/*@?#\\\s]+)$/i;
/** Of apps that show pages of their own, such as `capacitor://localhost`; browsers say them as they are. */
const OTHER = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/;
const IP = /^(?:\d+(?:\.\d+){3}|\[.*\])$/;

/** What a page of an origin is told by: the origin as it is said, or a family of them, `https://*.example.com`. */
export interface OriginPattern {
  /** `undefined`: the origin is exactly `rest`. */
  readonly scheme: string | undefined;
  /** What an origin of a family ends in, with its dot: `.example.com:8443`. */
  readonly rest: string;
}

/** @returns `undefined` for what no browser says: a path, a user, `null`, a host that is none */
export function parseOriginPattern(text: string): OriginPattern | undefined {
  if (OTHER.test(text)) return { scheme: undefined, rest: text };
  const [, scheme = '', wildcard, authority = ''] = WEB.exec(text) ?? [];
  if (authority === '' || !URL.canParse(`${scheme}://${authority}`)) return undefined;
  const { host, hostname, protocol } = new URL(`${scheme}://${authority}`);
  if (wildcard === undefined) return { scheme: undefined, rest: `${protocol}//${host}` };
  return IP.test(hostname) ? undefined : { scheme: `${protocol}//`, rest: `.${host}` };
}

/** As it stands in a list. */
export const originText = ({ scheme, rest }: OriginPattern): string =>
  scheme === undefined ? rest : `${scheme}*${rest}`;

/** What `*` may stand for: one label or more. */
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Origins to look others up in. */
export class Origins {
  readonly #exact = new Set<string>();
  readonly #families: readonly OriginPattern[];

  constructor(patterns: readonly OriginPattern[]) {
    for (const { scheme, rest } of patterns) if (scheme === undefined) this.#exact.add(rest);
    this.#families = patterns.filter(({ scheme }) => scheme !== undefined);
  }

  /** @param origin as it stands in the request */
  has(origin: string): boolean {
    if (this.#exact.has(origin)) return true;
    for (const { scheme = '', rest } of this.#families) {
      if (!origin.startsWith(scheme) || !origin.endsWith(rest)) continue;
      if (LABELS.test(origin.slice(scheme.length, -rest.length))) return true;
    }
    return false;
  }
}
