import type { SplitAnswer } from '../../shared/admin/splits.ts';
import type { Log } from '../../shared/log.ts';
import type { Acceptor } from '../front/acceptor.ts';
import type { ConfigFacts } from './config-metrics.ts';
import type { IssuerView } from '../identity/jwks/jwks-control.ts';
import type { EjectionFacts, HealthFacts } from './health-metrics.ts';
import type { MetricDefinition } from './definition.ts';
import type { ConfigVersions } from '../config/versions/config-versions.ts';
import type { MaintenanceBook } from '../maintenance/maintenance-book.ts';
import type { MetricMemory } from './metric-memory.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import type { ConcurrencyControl } from '../upstreams/concurrency-control.ts';
import type { Jobs } from '../jobs/start-jobs.ts';
import type { RedisMemory } from './redis-memory.ts';
import type { ThreadLoop } from './loop-utilization.ts';
import type { TransitionCounts } from './transition-counts.ts';

/** What of the front the metrics read. They ask; nothing here changes anything. */
export interface MetricParts {
  /** The port for clients is open. */
  readonly serving: () => boolean;
  readonly memory: MetricMemory;
  readonly threads: {
    /** Threads that needed another in their place. */
    readonly restarts: number;
    all(): readonly ThreadLoop[];
    status(): readonly {
      readonly slot: number;
      readonly state: string;
      readonly inFlight: number;
      readonly openConnections: number;
    }[];
  };
  readonly front: Pick<Acceptor, 'refused' | 'refusedByRate' | 'problem'>;
  readonly control: {
    readonly liveNodes: number;
    readonly transitions: TransitionCounts;
    breakers(): readonly BreakerFacts[];
  };
  readonly health: HealthFacts;
  /** Routes whose clients are divided among upstreams. */
  readonly splits: () => readonly SplitAnswer[];
  readonly ejections: EjectionFacts;
  /** Upstreams with a limit of requests under way. */
  readonly concurrency: Pick<ConcurrencyControl, 'views'>;
  readonly reload: {
    active(): ConfigFacts;
    /** The last attempt; `undefined`: none since the start. */
    readonly last: { readonly atMs: number; readonly outcome: { readonly kind: string } } | undefined;
  };
  /** `undefined`: no Redis is configured. */
  readonly redis: RedisMemory | undefined;
  readonly connections: Pick<RedisConnections, 'states'> | undefined;
  readonly jobs: Pick<Jobs, 'list' | 'counts'>;
  readonly backups: { readonly metrics: readonly MetricDefinition[] };
  readonly maintenance: Pick<MaintenanceBook, 'held'>;
  readonly versions: Pick<ConfigVersions, 'store' | 'book' | 'refusals'>;
  readonly jwks: { views(): readonly IssuerView[] };
  readonly node: string;
  /** Time of day. */
  readonly startedAtMs: number;
  readonly log: Log;
}

interface BreakerFacts {
  readonly upstream: string;
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  /** An operator's override, if there is one. */
  readonly forced?: unknown;
}
