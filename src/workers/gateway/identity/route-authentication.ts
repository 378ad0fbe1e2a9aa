import type { RouteAuthenticationConfig } from '../../../shared/config/identity/types.ts';
import { lackOf } from '../../../shared/identity/allowed.ts';
import { isRefusal } from '../../../shared/identity/identity.ts';
import type { AuthenticationMethod, Identity, IdentityRefusal, Verdict } from '../../../shared/identity/identity.ts';
import { authColumn, THREAD } from '../../../shared/metrics/layout.ts';
import type { AuthOutcome } from '../../../shared/metrics/layout.ts';
import type { ClientSide } from '../exchange/client-side.ts';
import type { RequestHead } from '../exchange/request-head.ts';
import type { RouteLimit } from '../limits/thread-limits.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Caller, Callers } from './callers.ts';
import type { CertificateCache } from './certificates/certificate-cache.ts';
import {
  certificateInClaims,
  CLIENT_CERT,
  MALFORMED_CLIENT_CERT,
  withoutClientCert,
} from './certificates/client-cert-field.ts';
import { credentialsIn, REPEATED_CREDENTIAL, withoutField, withoutParameter } from './credentials-of-request.ts';
import type { Credential, CredentialPlaces, Presented } from './credentials-of-request.ts';
import type { FailureBudget } from './failure-budget.ts';
import type { Verifier } from './verifier.ts';

/** No sound client has a longer one. */
const LONGEST_CREDENTIAL = 8_192;
const AUTHORIZATION = 'authorization';

/** What a request's credentials come to: who asks, nobody who says so, or why not. */
export type Judgement = Identity | 'none' | IdentityRefusal;

export interface RouteAuthenticationParts {
  readonly config: RouteAuthenticationConfig;
  readonly apiKeyHeader: string;
  readonly verifiers: ReadonlyMap<AuthenticationMethod, Verifier<Credential>>;
  /** Those that come in a field. */
  readonly certificates: CertificateCache;
  /** Trusted proxies say in a field which certificate their client has; that of their own connection is theirs. */
  readonly readsClientCert: boolean;
  readonly callers: Callers;
  readonly budget: FailureBudget;
  readonly metrics: ThreadMetrics;
  /** Where the metrics' row of the route starts. */
  readonly metricsStart: number;
  /** By profile. */
  readonly limits: ReadonlyMap<string, RouteLimit>;
}

/** What an exchange lets itself be told apart by. */
interface ForwardedRequest {
  readonly client: Pick<ClientSide, 'certificate'>;
  fields: string;
  forwardTarget: string;
}

interface Way {
  readonly method: AuthenticationMethod;
  readonly verifier: Verifier<Credential>;
}

/** How one route finds out who asks; made when configuration is read. */
export class RouteAuthentication {
  readonly anonymous: boolean;
  readonly limits: ReadonlyMap<string, RouteLimit>;
  /** Values of WWW-Authenticate as lines (RFC 9110, section 11.6.1). */
  readonly #challenge: string;
  readonly #parts: RouteAuthenticationParts;
  readonly #ways: readonly Way[];
  readonly #places: CredentialPlaces;
  readonly #takesCertificates: boolean;

  constructor(parts: RouteAuthenticationParts) {
    const { config, apiKeyHeader, verifiers } = parts;
    this.#parts = parts;
    this.anonymous = config.anonymous;
    this.limits = parts.limits;
    this.#ways = config.methods.flatMap((method) => {
      const verifier = verifiers.get(method);
      return verifier === undefined ? [] : [{ method, verifier }];
    });
    const takesKeys = config.methods.includes('api_key');
    const takesTokens = config.methods.includes('jwt');
    this.#places = { takesKeys, takesTokens, apiKeyHeader, queryParameter: config.queryParameter };
    this.#takesCertificates = config.methods.includes('certificate');
    this.#challenge =
      (takesKeys ? `www-authenticate: ApiKey realm="gateway", header="${apiKeyHeader}"\r\n` : '') +
      (takesTokens ? 'www-authenticate: Bearer realm="gateway"\r\n' : '') +
      // No scheme is registered for it, and a 401 without one is not allowed.
      (this.#takesCertificates ? 'www-authenticate: ClientCertificate realm="gateway"\r\n' : '');
  }

  /**
   * Takes the credentials out of the request.
   * @param trusted whoever has sent it is a proxy that is believed
   * @returns a text: why nobody can say which credentials count, for the client to read
   */
  take(head: RequestHead, request: ForwardedRequest, trusted: boolean): Presented | string {
    const presented = credentialsIn(head, this.#places);
    if (presented === undefined) return REPEATED_CREDENTIAL;
    if (this.#takesCertificates) {
      const certificate =
        trusted && this.#parts.readsClientCert
          ? certificateInClaims(head.claims, this.#parts.certificates)
          : (request.client.certificate() ?? '');
      if (certificate === undefined) return MALFORMED_CLIENT_CERT;
      presented.certificate = certificate;
      this.#tellOfCertificate(head, request, presented);
    }
    if (this.#parts.config.forwardsCredentials) return presented;
    const { apiKeyHeader, queryParameter } = this.#places;
    // A key is the gateway's own wherever it stands; Authorization may also be for the upstream.
    const key = head.header(apiKeyHeader);
    if (key !== undefined) request.fields = withoutField(request.fields, apiKeyHeader, key);
    if (presented.jwt !== '') {
      const field = head.header(AUTHORIZATION);
      if (field !== undefined && /^bearer[ \t]/i.test(field)) {
        request.fields = withoutField(request.fields, AUTHORIZATION, field);
      }
    }
    if (queryParameter !== undefined && head.query !== undefined) {
      const rest = withoutParameter(head.query, queryParameter);
      if (rest !== head.query) {
        const path = request.forwardTarget.slice(0, request.forwardTarget.indexOf('?'));
        request.forwardTarget = rest === '' ? path : `${path}?${rest}`;
      }
    }
    return presented;
  }

  /** The upstream hears of the certificate that is looked at here, if it may, and of no other. */
  #tellOfCertificate(head: RequestHead, request: ForwardedRequest, { certificate }: Presented): void {
    if (head.claims !== '') request.fields = withoutClientCert(request.fields);
    if (certificate === '' || !this.#parts.config.forwardsCredentials) return;
    request.fields += `${CLIENT_CERT}: ${certificate.field}\r\n`;
  }

  /** What is known of them at once; `undefined` = some must be verified. One that is wrong is enough. */
  judge(presented: Presented): Judgement | undefined {
    let first: Judgement = 'none';
    let waits = false;
    for (const { method, verifier } of this.#ways) {
      const credential = presented[method];
      if (credential === '') continue;
      const verdict = isTooLong(credential) ? 'credentials_invalid' : verifier.known(credential);
      if (verdict === undefined) waits = true;
      else if (isRefusal(verdict)) return verdict;
      else {
        this.#parts.metrics.add(THREAD.authCacheHits);
        if (first === 'none') first = verdict;
      }
    }
    return waits ? undefined : first;
  }

  /** @see FailureBudget.refusedForMs */
  refusedForMs(address: string): number {
    return this.#parts.budget.refusedForMs(address);
  }

  /**
   * The same as `verify` from an address beyond its budget: only where all that is not known is there without a question
   * to anybody outside. @param done called once, later or at once; `undefined` = not all of it is
   */
  verifyThere(presented: Presented, address: string, done: (judgement: Judgement | undefined) => void): void {
    const unknown = this.#ways.filter(
      ({ method, verifier }) => presented[method] !== '' && verifier.known(presented[method]) === undefined,
    );
    const [only, another] = unknown;
    if (only === undefined || another !== undefined || only.verifier.isThere === undefined) return done(undefined);
    only.verifier.isThere(presented[only.method], (isThere) => {
      if (isThere) this.verify(presented, address, done);
      else done(undefined);
    });
  }

  /** Verifies what `judge` did not know. @param done called once, later */
  verify(presented: Presented, address: string, done: (judgement: Judgement) => void): void {
    this.#verifyFrom(0, 'none', { presented, address, done });
  }

  #verifyFrom(start: number, before: Judgement, asked: Asked): void {
    let first = before;
    for (let i = start; i < this.#ways.length; i++) {
      const { method, verifier } = this.#ways[i] as Way;
      const credential = asked.presented[method];
      if (credential === '') continue;
      const verdict = verifier.known(credential);
      if (verdict === undefined) {
        verifier.verify(credential, (found) => this.#onVerified(found, { next: i + 1, first }, asked));
        return;
      }
      if (isRefusal(verdict)) return asked.done(verdict);
      if (first === 'none') first = verdict;
    }
    asked.done(first);
  }

  #onVerified(verdict: Verdict, at: { readonly next: number; readonly first: Judgement }, asked: Asked): void {
    if (verdict === 'credentials_invalid') this.#parts.budget.failed(asked.address);
    if (isRefusal(verdict)) asked.done(verdict);
    else this.#verifyFrom(at.next, at.first === 'none' ? verdict : at.first, asked);
  }

  /** Whom an identity is, and whether the route is for him. */
  admit(identity: Identity): Caller | 'credentials_invalid' | 'not_allowed' {
    const caller = this.#parts.callers.of(identity);
    if (caller.disabled) return 'credentials_invalid';
    const { consumer, groups } = caller;
    const lacking = lackOf(this.#parts.config.allow, { consumer, groups, scopes: identity.scopes });
    return lacking === undefined ? caller : 'not_allowed';
  }

  /** What is known by now of whom it has let in. @param done called once, at once where nobody has to be asked */
  again(identity: Identity, done: (verdict: Verdict) => void): void {
    const way = this.#ways.find(({ method }) => method === identity.method);
    if (way === undefined) done('credentials_invalid'); // the route has taken it, and takes it no more
    else if (way.verifier.again === undefined) done(identity);
    else way.verifier.again(identity, done);
  }

  /** @param code of a refusal with 401 */
  challenge(code: AuthOutcome): string {
    if (code === 'credentials_missing') return this.#challenge;
    return this.#challenge.replace('Bearer realm="gateway"', 'Bearer realm="gateway", error="invalid_token"');
  }

  count(presented: Presented, outcome: AuthOutcome): void {
    const way = this.#ways.find(({ method }) => presented[method] !== '');
    this.#parts.metrics.add(this.#parts.metricsStart + authColumn(way?.method ?? 'none', outcome));
  }
}

const isTooLong = (credential: Credential): boolean =>
  typeof credential === 'string' && credential.length > LONGEST_CREDENTIAL;

interface Asked {
  readonly presented: Presented;
  readonly address: string;
  readonly done: (judgement: Judgement) => void;
}
