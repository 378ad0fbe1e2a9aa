import type { StatusAnswer } from '../../../shared/admin/status.ts';
import { wallClockMs } from '../../../shared/clock.ts';
import { formatProblems } from '../../../shared/config/problems.ts';
import type { Config, RedisMode } from '../../../shared/config/types.ts';
import { VERSION } from '../../../shared/version.ts';
import type { LoopUtilization, ThreadLoop } from '../../metrics/loop-utilization.ts';
import type { LimitsStoreState } from '../../limits/limits-store-state.ts';
import type { Acceptor } from '../../front/acceptor.ts';
import type { CertificateEnd } from '../../config/certificate-ends.ts';
import type { LastReload } from '../../config/reload.ts';
import { reloadReasons } from '../../config/reload-reasons.ts';
import type { ThreadStatus } from '../../threads/thread-status.ts';
import type { UnreachableTargets } from '../../upstreams/unreachable-targets.ts';
import type { AdminToken } from '../token/admin-tokens.ts';

/** What the status is made of. Nothing here waits for anything. */
export interface StatusParts {
  readonly node: string;
  /** Time of day. */
  readonly startedAtMs: number;
  /** Not with JOBS=only: then no limit asks for anything. */
  readonly serves: boolean;
  readonly workers: number;
  readonly redisConfigured: boolean;
  /** `undefined`: none is configured. */
  readonly redisMode: RedisMode | undefined;
  /** Since the start, on a clock that is never set back. */
  readonly uptimeMs: () => number;
  readonly port: () => number;
  readonly draining: () => boolean;
  /** How long new connections will still be served, while it drains. */
  readonly servingForMs: () => number;
  readonly token: () => AdminToken;
  readonly front: Pick<Acceptor, 'kind' | 'problem'>;
  readonly loops: LoopUtilization;
  readonly threads: { readonly restarts: number; all(): readonly ThreadLoop[]; status(): readonly ThreadStatus[] };
  readonly reload: {
    active(): { readonly version: number; readonly config: Pick<Config, 'server'> };
    readonly last: LastReload | undefined;
    readonly warnings: readonly string[];
  };
  readonly control: {
    readonly liveNodes: number;
    /** What of the front cannot use Redis; empty when all can. */
    readonly redisProblems: readonly string[];
    /** What is wrong with who the nodes are. */
    readonly nodeProblems: readonly string[];
    /** Why new clients are not limited each by itself. */
    readonly limitProblems: readonly string[];
    /** What is hardly meant, by the requests that come. */
    readonly warnings: readonly string[];
  };
  /** What an operator should know of the backups. */
  readonly backupWarnings: () => readonly string[];
  /** Jobs that keep failing, and what of them cannot use Redis. */
  readonly jobProblems: () => readonly string[];
  readonly limitsStore: Pick<LimitsStoreState, 'state'>;
  /** Whose credentials cannot be judged as they should be: keys of issuers, API keys. */
  readonly identityProblems: () => readonly string[];
  readonly certificates: () => readonly CertificateEnd[];
  readonly breakers: () => StatusAnswer['breakers'];
  readonly maintenance: () => StatusAnswer['maintenance'];
  /** What is refused because more comes than can be served. */
  readonly overload: () => StatusAnswer['overload'];
  readonly unreachable: Pick<UnreachableTargets, 'all' | 'reasons'>;
  /** Upstreams that probes find unwell, in words. */
  readonly health: { readonly reasons: readonly string[] };
}

/** Answer of GET /admin/status. */
export function nodeStatus(parts: StatusParts): StatusAnswer {
  const { control, reload, threads } = parts;
  const loops = parts.loops.read(threads.all());
  const shares = new Map(threads.all().map((thread) => [thread.slot, loops.of(thread)]));
  const shown = threads.status().map((each) => ({ ...each, loopUtilisation: round(shares.get(each.slot) ?? 0) }));
  const breakers = parts.breakers();
  const redisReasons = redisReasonsOf(parts);
  const reasons = [
    ...redisReasons,
    ...control.nodeProblems,
    ...control.limitProblems,
    ...parts.identityProblems(),
    ...parts.jobProblems(),
    ...processReasonsOf(parts, shown, breakers),
    ...parts.unreachable.reasons(),
    ...parts.health.reasons,
  ];
  const verdict = reasons.length > 0 ? 'degraded' : 'ok';
  const { last } = reload;
  const redisState = redisReasons.length === 0 ? 'up' : 'down';
  return {
    verdict: parts.draining() ? 'draining' : verdict,
    reasons: parts.draining() ? [drainReason(parts.servingForMs()), ...reasons] : reasons,
    version: VERSION,
    node: parts.node,
    startedAt: new Date(parts.startedAtMs).toISOString(),
    uptimeSeconds: Math.round(parts.uptimeMs() / 1000),
    configVersion: reload.active().version,
    warnings: [...reload.warnings, ...control.warnings, ...parts.backupWarnings()],
    lastReload: last === undefined ? null : shownReload(last),
    port: parts.port(),
    front: parts.front.kind,
    maxConnections: reload.active().config.server.maxConnections,
    liveNodes: control.liveNodes,
    changes: changesOf(parts.token()),
    redis: {
      configured: parts.redisConfigured,
      mode: parts.redisMode ?? null,
      state: parts.redisConfigured ? redisState : 'none',
      reason: parts.redisConfigured ? redisReasons.join('; ') : 'REDIS_URL is not set',
    },
    threads: shown,
    threadRestarts: threads.restarts,
    breakers,
    maintenance: parts.maintenance(),
    overload: parts.overload(),
    certificates: parts.certificates().map(shownCertificate),
    unreachable: [...parts.unreachable.all()],
  };
}

const shownCertificate = ({ name, endsMs }: CertificateEnd): StatusAnswer['certificates'][number] => ({
  name,
  endsAt: new Date(endsMs).toISOString(),
  leftSeconds: Math.round((endsMs - wallClockMs()) / 1000),
});

/** Where the file is stays out: whoever reaches the port may read this. */
const changesOf = (token: AdminToken): StatusAnswer['changes'] =>
  token.kind === 'none' ? { token: 'none', reason: token.reason } : { token: token.kind, reason: '' };

const drainReason = (servingForMs: number): string =>
  servingForMs > 0 ? `still serving for ${Math.ceil(servingForMs / 1000)} s` : 'the process is about to end';

const redisReasonsOf = (parts: StatusParts): readonly string[] => [
  ...parts.control.redisProblems,
  ...limitsReasonsOf(parts),
];

/** Why limits do not ask the Redis; the threads say the same in their `/health`. */
export function limitsReasonsOf({
  limitsStore,
  redisConfigured,
  serves,
}: Pick<StatusParts, 'limitsStore' | 'redisConfigured' | 'serves'>): readonly string[] {
  const { state, reason } = limitsStore.state();
  switch (state) {
    case 'up':
      return [];
    case 'down':
      return [`rate limits: Redis is not asked (${reason})`];
    case 'none': // no thread has reached it yet
      return redisConfigured && serves ? ['rate limits: connecting to Redis'] : [];
    default:
      return state satisfies never;
  }
}

const round = (share: number): number => Math.round(share * 1000) / 1000;

const shownReload = ({ atMs, outcome }: LastReload): NonNullable<StatusAnswer['lastReload']> => ({
  at: new Date(atMs).toISOString(),
  applied: outcome.kind === 'applied',
  problems: outcome.kind === 'applied' ? [] : formatProblems(outcome.problems).split('\n'),
});

function processReasonsOf(
  parts: StatusParts,
  threads: readonly ThreadStatus[],
  breakers: StatusAnswer['breakers'],
): string[] {
  const { reload, workers, draining, front } = parts;
  const reasons: string[] = [];
  if (front.problem !== '' && !draining()) reasons.push(front.problem);
  const serving = threads.filter(({ state }) => state === 'serving').length;
  if (serving < workers && !draining()) reasons.push(`${serving} of ${workers} request threads serve`);
  reasons.push(...reloadReasons(reload.last, reload.active().version));
  for (const { upstream, state, mode, reason, quiet } of breakers) {
    if (state === 'CLOSED' || mode !== 'on' || quiet) continue;
    reasons.push(`the circuit breaker of ${upstream} is ${state}${reason === '' ? '' : ` (${reason})`}`);
  }
  return reasons;
}
