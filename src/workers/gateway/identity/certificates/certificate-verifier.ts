import type {
  AuthorityConfig,
  CertificatePart,
  ConsumerConfig,
  IdentitiesConfig,
} from '../../../../shared/config/identity/types.ts';
import type { Identity, Verdict } from '../../../../shared/identity/identity.ts';
import { RecentMap } from '../../limits/recent-map.ts';
import type { Verifier } from '../verifier.ts';
import type { ClientCertificate } from './client-certificate.ts';
import type { RefusedCertificates } from './refused-certificates.ts';

/** The same wrong certificate counts as another try only after this. */
const REFUSED_MS = 5_000;
const REFUSED_ENTRIES = 4_096;
/** As of a token's claim. */
const LONGEST_NAME = 255;
/** What stands for bytes that are no text: two such names would be one. */
const NO_TEXT = '\uFFFD';

/** The closer a part is to one certificate, the earlier it is asked. */
const PARTS = ['fingerprint', 'san_uri', 'san_dns', 'subject_cn'] as const satisfies readonly CertificatePart[];

/** Of identities: an open WebSocket has only that, and outlives the verifier that found it. */
const CERTIFICATES = new WeakMap<Identity, ClientCertificate>();

interface Owner {
  readonly consumer: ConsumerConfig;
  readonly disabled: boolean;
}

export interface CertificateVerifierOptions {
  readonly config: Pick<IdentitiesConfig, 'consumers' | 'authorities'>;
  /** Time of day, milliseconds. */
  readonly wallClock: () => number;
  readonly refused: RefusedCertificates;
}

/**
 * Whom certificates of clients belong to. That one is what it says, the handshake has proved, or a proxy that is trusted:
 * here its time is looked at, and who is meant by it. Everything is here, so a good one never waits.
 */
export class CertificateVerifier implements Verifier<ClientCertificate> {
  readonly #owners: Readonly<Record<CertificatePart, Map<string, Owner>>> = {
    fingerprint: new Map(),
    san_uri: new Map(),
    san_dns: new Map(),
    subject_cn: new Map(),
  };
  readonly #authorities: readonly AuthorityConfig[];
  readonly #found = new WeakMap<ClientCertificate, Identity | 'nobody'>();
  /** By fingerprint. */
  readonly #refusedUntil = new RecentMap<number>({ maxEntries: REFUSED_ENTRIES, maxAgeMs: REFUSED_MS });
  readonly #wallClock: () => number;
  readonly #refused: RefusedCertificates;

  constructor({ config, wallClock, refused }: CertificateVerifierOptions) {
    this.#authorities = config.authorities;
    this.#wallClock = wallClock;
    this.#refused = refused;
    for (const consumer of config.consumers) {
      for (const { part, value, disabled } of consumer.certificates) {
        this.#owners[part].set(value, { consumer, disabled });
      }
    }
  }

  known(certificate: ClientCertificate): Verdict | undefined {
    const nowMs = this.#wallClock();
    const identity = certificate.isValidAt(nowMs) ? this.#identityAt(certificate) : undefined;
    if (identity !== undefined) return identity;
    const untilMs = this.#refusedUntil.get(certificate.fingerprint);
    return untilMs !== undefined && untilMs > nowMs ? 'credentials_invalid' : undefined;
  }

  /** By this configuration, whichever it was found by. A certificate that has ended meanwhile is seen by its identity. */
  again(identity: Identity, done: (verdict: Verdict) => void): void {
    const certificate = CERTIFICATES.get(identity);
    if (certificate === undefined) return done(identity);
    done(this.#identityAt(certificate) ?? 'credentials_invalid');
  }

  isMalformed(): boolean {
    return false;
  }

  /** What is not known is wrong. */
  verify(certificate: ClientCertificate, done: (verdict: Verdict) => void): void {
    const nowMs = this.#wallClock();
    this.#refusedUntil.set(certificate.fingerprint, nowMs + REFUSED_MS, nowMs);
    this.#refused.note(
      certificate.isValidAt(nowMs) ? 'no consumer and no authority is meant by it' : 'its time is over, or to come',
      { fingerprint: certificate.fingerprint, subject_cn: certificate.subjectCn.slice(0, LONGEST_NAME) },
    );
    setImmediate(done, 'credentials_invalid');
  }

  /** Looked for once. */
  #identityAt(certificate: ClientCertificate): Identity | undefined {
    let identity = this.#found.get(certificate);
    if (identity === undefined) {
      identity = this.#identityOf(certificate) ?? 'nobody';
      this.#found.set(certificate, identity);
    }
    return identity === 'nobody' ? undefined : identity;
  }

  #identityOf(certificate: ClientCertificate): Identity | undefined {
    let owner: ConsumerConfig | undefined;
    for (const part of PARTS) {
      for (const value of valuesOf(certificate, part)) {
        const found = this.#owners[part].get(value);
        if (found?.disabled === true) return undefined; // whatever else is said of it
        owner ??= found?.consumer;
      }
    }
    if (owner !== undefined) return identityFor(certificate, owner);
    for (const authority of this.#authorities) {
      if (authority.issuerCn !== undefined && authority.issuerCn !== certificate.issuerCn) continue;
      const [value = ''] = valuesOf(certificate, authority.part);
      if (value === '' || value.length > LONGEST_NAME || value.includes(NO_TEXT)) continue;
      return identityFor(certificate, { ...authority, name: `${authority.name}~${value}` });
    }
    return undefined;
  }
}

function valuesOf(certificate: ClientCertificate, part: CertificatePart): readonly string[] {
  switch (part) {
    case 'fingerprint':
      return [certificate.fingerprint];
    case 'san_uri':
      return certificate.sanUris;
    case 'san_dns':
      return certificate.sanDns;
    case 'subject_cn':
      return certificate.subjectCn === '' ? [] : [certificate.subjectCn];
    default:
      return part satisfies never;
  }
}

function identityFor(
  certificate: ClientCertificate,
  { name, profile, groups }: Pick<ConsumerConfig, 'name' | 'profile' | 'groups'>,
): Identity {
  const identity: Identity = {
    consumer: name,
    profile,
    groups,
    scopes: [],
    method: 'certificate',
    expiresAtMs: certificate.endsMs,
    keyHash: '',
  };
  CERTIFICATES.set(identity, certificate);
  return identity;
}
