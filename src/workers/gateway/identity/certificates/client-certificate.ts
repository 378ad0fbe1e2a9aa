import { X509Certificate } from 'node:crypto';

/** A certificate of a client, read once: what consumers are found by, and how long it holds. */
export class ClientCertificate {
  /** The one common name of its subject; '' where it has none, or several. */
  readonly subjectCn: string;
  /** The same of who issued it. */
  readonly issuerCn: string;
  readonly sanUris: readonly string[];
  /** Lower case. */
  readonly sanDns: readonly string[];
  /** SHA-256 of all of it, lower-case hex. */
  readonly fingerprint: string;
  /** Wall clock; NaN where it is no time. */
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #x509: X509Certificate;
  #field: string | undefined;

  constructor(x509: X509Certificate) {
    this.#x509 = x509;
    this.subjectCn = commonNameIn(x509.subject);
    this.issuerCn = commonNameIn(x509.issuer);
    const names = alternativeNames(x509.subjectAltName);
    this.sanUris = names.filter(({ kind }) => kind === 'URI').map(({ value }) => value);
    this.sanDns = names.filter(({ kind }) => kind === 'DNS').map(({ value }) => value.toLowerCase());
    this.fingerprint = x509.fingerprint256.replaceAll(':', '').toLowerCase();
    this.#fromMs = Date.parse(x509.validFrom);
    this.#toMs = Date.parse(x509.validTo);
  }

  /** When it ends, by the wall clock. */
  get endsMs(): number {
    return this.#toMs;
  }

  /** Whether its time has come and is not over (RFC 5280, section 4.1.2.5: both moments belong to it). */
  isValidAt(wallClockMs: number): boolean {
    return wallClockMs >= this.#fromMs && wallClockMs <= this.#toMs;
  }

  /** As a value of Client-Cert (RFC 9440, section 2.2). */
  get field(): string {
    this.#field ??= `:${this.#x509.raw.toString('base64')}:`;
    return this.#field;
  }
}

/**
 * Reads a certificate.
 * @param bytes PEM, or DER and nothing behind it
 * @returns `undefined`: it is none
 */
export function readCertificate(bytes: string | Buffer): ClientCertificate | undefined {
  try {
    const x509 = new X509Certificate(bytes);
    if (typeof bytes !== 'string' && !x509.raw.equals(bytes)) return undefined;
    return new ClientCertificate(x509);
  } catch {
    return undefined;
  }
}

/**
 * The common name in what Node writes of a name: a line for each set of attributes, " + " between those of one set, and
 * what could be mistaken escaped as in RFC 2253. Two common names would leave open which one counts.
 * @param name `undefined` where it is empty, whatever Node's types say
 */
function commonNameIn(name: string | undefined): string {
  const found = (name ?? '')
    .split('\n')
    .flatMap((line) => line.split(' + '))
    .filter((attribute) => attribute.startsWith('CN='));
  const [only = '', another] = found;
  return another === undefined ? unescaped(only.slice('CN='.length)) : '';
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\(?:([\dA-F]{2})|(.))/g, (_all, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
  );

interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

/** One of what Node writes of the names, in the order of the certificate: odd values are JSON texts, so no value has a comma. */
const ALTERNATIVE_NAME = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

function alternativeNames(text: string | undefined): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  let read = 0;
  for (const [all, kind = '', value = ''] of (text ?? '').matchAll(ALTERNATIVE_NAME)) {
    const plain = value.startsWith('"') ? unquoted(value) : value;
    if (plain === undefined) return [];
    read += all.length;
    names.push({ kind, value: plain });
  }
  // What cannot be read to its end names nobody.
  return read === (text ?? '').length ? names : [];
}

function unquoted(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    return undefined;
  }
}
