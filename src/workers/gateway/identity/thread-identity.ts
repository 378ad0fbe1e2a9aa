import { monotonicMs, wallClockMs } from '../../../shared/clock.ts';
import type { Config, RouteConfig } from '../../../shared/config/types.ts';
import type { AuthenticationMethod } from '../../../shared/identity/identity.ts';
import type { DecidesAtOnce } from '../../../shared/limits/store.ts';
import type { RouteLimit, ThreadLimits } from '../limits/thread-limits.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { Callers } from './callers.ts';
import type { CertificateCache } from './certificates/certificate-cache.ts';
import { CertificateVerifier } from './certificates/certificate-verifier.ts';
import { CLIENT_CERT } from './certificates/client-cert-field.ts';
import type { RefusedCertificates } from './certificates/refused-certificates.ts';
import type { Credential } from './credentials-of-request.ts';
import { FailureBudget } from './failure-budget.ts';
import { FileKeys } from './file-keys.ts';
import { RouteAuthentication } from './route-authentication.ts';
import type { Verifier } from './verifier.ts';

export interface ThreadIdentityParts {
  readonly config: Config;
  readonly limits: ThreadLimits;
  readonly metrics: ThreadMetrics;
  /** Memory of the process. */
  readonly buckets: DecidesAtOnce;
  /** API keys outside the configuration; `undefined` = there are none. */
  readonly storedKeys?: Verifier | undefined;
  readonly certificates: CertificateCache;
  readonly refusedCertificates: RefusedCertificates;
  /** Tokens; `undefined` = none is taken. */
  readonly tokens?: Verifier | undefined;
}

/** Who calls, as one request thread finds it out. */
export class ThreadIdentity {
  readonly #parts: ThreadIdentityParts;
  #config: Config;
  #callers: Callers;
  #budget: FailureBudget;
  #verifiers: ReadonlyMap<AuthenticationMethod, Verifier<Credential>>;

  constructor(parts: ThreadIdentityParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#callers = new Callers(parts.config.identities);
    this.#budget = this.#budgetOf(parts.config);
    this.#verifiers = this.#verifiersOf(parts.config);
  }

  /** Before routes are made from the configuration. */
  apply(config: Config): void {
    this.#config = config;
    this.#callers = new Callers(config.identities);
    this.#budget = this.#budgetOf(config);
    this.#verifiers = this.#verifiersOf(config);
  }

  /** `undefined` = the route is for whoever asks. */
  of(route: RouteConfig): RouteAuthentication | undefined {
    if (route.authentication === undefined) return undefined;
    const { limits, metrics } = this.#parts;
    return new RouteAuthentication({
      config: route.authentication,
      apiKeyHeader: this.#config.identities.apiKeyHeader,
      verifiers: this.#verifiers,
      certificates: this.#parts.certificates,
      readsClientCert: this.#config.identities.readsClientCert,
      callers: this.#callers,
      budget: this.#budget,
      metrics,
      metricsStart: metrics.startOf('route', route.name),
      limits: profileLimits(limits, route),
    });
  }

  #budgetOf({ identities }: Config): FailureBudget {
    return new FailureBudget(identities, { buckets: this.#parts.buckets, clock: monotonicMs });
  }

  #verifiersOf({ identities }: Config): ReadonlyMap<AuthenticationMethod, Verifier<Credential>> {
    const { refusedCertificates: refused, storedKeys, tokens } = this.#parts;
    const verifiers = new Map<AuthenticationMethod, Verifier<Credential>>();
    const next = identities.apiKeys === 'file' ? undefined : storedKeys;
    const config = identities.apiKeys === 'redis' ? { ...identities, consumers: [] } : identities;
    verifiers.set('api_key', new FileKeys({ config, wallClock: wallClockMs, next }));
    verifiers.set('jwt', tokens ?? UNAVAILABLE);
    verifiers.set('certificate', new CertificateVerifier({ config: identities, wallClock: wallClockMs, refused }));
    return verifiers;
  }
}

/** Where clients are not named by their consumers a profile's buckets would be somebody else's. */
function profileLimits(limits: ThreadLimits, route: RouteConfig): ReadonlyMap<string, RouteLimit> {
  if (!limits.keys.namesConsumers) return new Map();
  return new Map(
    route.profileLimits.flatMap((each) => {
      const limit = limits.compile(each.limits);
      return [[each.profile, limit] as const];
    }),
  );
}

const UNAVAILABLE: Verifier = {
  known: () => undefined,
  isMalformed: () => false,
  verify: (_credential, done) => void setImmediate(done, 'identity_unavailable'),
};

/** Lower-case names of the fields that credentials stand in. */
export function credentialFields({ identities, routes }: Config): readonly string[] {
  const methods = new Set(routes.flatMap(({ authentication }) => authentication?.methods ?? []));
  if (methods.size === 0) return [];
  const fields = [identities.apiKeyHeader];
  if (methods.has('jwt')) fields.push('authorization');
  // It is no field that names the client, but whoever has it taken off by Connection leaves open who that is.
  if (methods.has('certificate') && identities.readsClientCert) fields.push(CLIENT_CERT);
  return fields;
}
