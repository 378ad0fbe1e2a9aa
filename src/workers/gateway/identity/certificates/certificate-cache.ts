import { VerdictCache } from '../jwt/verdict-cache.ts';
import type { Kept } from '../jwt/verdict-cache.ts';
import { readCertificate } from './client-certificate.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** Of an entry, on the average: most certificates of devices are half of it. */
const CHARACTERS = 2_048;
const PEM_BEGIN = '-----BEGIN CERTIFICATE-----';
const PEM_END = '\n-----END CERTIFICATE-----';

interface KnownCertificate extends Kept {
  readonly certificate: ClientCertificate;
}

/** Certificates that come with each request as a text, so that each is read once as long as it is among the last seen. */
export class CertificateCache {
  readonly #known: VerdictCache<KnownCertificate>;

  /** @param entries most that are known */
  constructor(entries: number) {
    this.#known = new VerdictCache(boundsOf(entries));
  }

  configure(entries: number): void {
    this.#known.configure(boundsOf(entries));
  }

  /** @returns `undefined`: it is no certificate */
  ofBase64(text: string): ClientCertificate | undefined {
    return this.#known.get(text)?.certificate ?? this.#put(text, readCertificate(Buffer.from(text, 'base64')));
  }

  /** @param pem of one certificate @returns `undefined`: it is none */
  ofPem(pem: string): ClientCertificate | undefined {
    const end = pem.lastIndexOf(PEM_END);
    // The cache finds texts by their ends, and all of PEM end alike.
    const body = pem.slice(PEM_BEGIN.length, end);
    return this.#known.get(body)?.certificate ?? this.#put(body, readCertificate(pem));
  }

  #put(text: string, certificate: ClientCertificate | undefined): ClientCertificate | undefined {
    if (certificate !== undefined) {
      this.#known.put(text, { certificate, untilMs: Number.POSITIVE_INFINITY, used: false });
    }
    return certificate;
  }
}

const boundsOf = (entries: number) => ({ entries, characters: entries * CHARACTERS });
