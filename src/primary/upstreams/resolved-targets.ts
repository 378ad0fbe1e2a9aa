import { isIP, isIPv4 } from 'node:net';
import type { Config, TargetConfig, UpstreamConfig } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import { targetName } from '../../shared/upstreams/target-name.ts';
import type { TargetSets } from '../../shared/upstreams/messages.ts';
import type { EventLog } from '../events/event-log.ts';
import type { NameCache } from '../names/name-cache.ts';

/** More addresses of one name are not used: each is connections of every thread. */
const MOST_ADDRESSES = 128;

export interface ResolvedTargetsOptions {
  readonly names: Pick<NameCache, 'renew'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly events: Pick<EventLog, 'add'>;
  /** The targets of this upstream are others now. */
  readonly onChange: (upstream: string, targets: readonly TargetConfig[]) => void;
}

interface Name {
  /** The last that were found; empty: none ever were. */
  addresses: readonly string[];
  everyMs: number;
  timer: NodeJS.Timeout | undefined;
  /** Why the last look-up found none; '' = it did. */
  failure: string;
}

/**
 * The addresses of names that are one target each (`resolve: all`), looked up again and again. What was found stays until
 * something else is found: neither a DNS that fails nor one that knows of no address takes the last targets away.
 */
export class ResolvedTargets {
  readonly #options: ResolvedTargetsOptions;
  readonly #names = new Map<string, Name>();
  #upstreams: readonly UpstreamConfig[] = [];
  #sets: TargetSets = new Map();
  #closed = false;

  constructor(options: ResolvedTargetsOptions) {
    this.#options = options;
  }

  /** Targets of each upstream whose names are resolved so, as far as something is known of them. */
  current(): TargetSets {
    return this.#sets;
  }

  /** A new configuration; what is known of names that stay is kept. */
  configure({ upstreams }: Pick<Config, 'upstreams'>): void {
    this.#upstreams = upstreams.filter(({ resolveAllMs }) => resolveAllMs > 0);
    const wanted = new Map<string, number>();
    for (const { targets, resolveAllMs } of this.#upstreams) {
      for (const { host } of targets) if (isIP(host) === 0) wanted.set(host, resolveAllMs);
    }
    for (const [name, known] of this.#names) {
      if (wanted.has(name)) continue;
      clearTimeout(known.timer);
      this.#names.delete(name);
    }
    this.#sets = this.#compute();
    for (const [name, everyMs] of wanted) {
      const known = this.#names.get(name);
      if (known !== undefined) known.everyMs = everyMs;
      else {
        this.#names.set(name, { addresses: [], everyMs, timer: undefined, failure: '' });
        this.#look(name);
      }
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#names.values()) clearTimeout(timer);
  }

  #look(name: string): void {
    this.#options.names.renew(name, (answer) => {
      const known = this.#names.get(name);
      if (this.#closed || known === undefined) return;
      clearTimeout(known.timer);
      known.timer = setTimeout(() => this.#look(name), known.everyMs).unref();
      if (answer.kind === 'found') this.#take(known, answer.addresses);
      this.#sayFailure(name, known, answer.kind === 'found' ? '' : answer.code);
    });
  }

  #take(known: Name, found: readonly string[]): void {
    // Of both families the same servers would be in twice; IPv6 is often there without leading anywhere.
    const family = found.some((each) => isIPv4(each)) ? found.filter((each) => isIPv4(each)) : found;
    const addresses = [...new Set(family)].sort().slice(0, MOST_ADDRESSES);
    if (addresses.length === 0 || addresses.join(' ') === known.addresses.join(' ')) return;
    known.addresses = addresses;
    const before = this.#sets;
    this.#sets = this.#compute();
    for (const { name } of this.#upstreams) {
      const targets = this.#sets.get(name);
      if (targets !== undefined && namesOf(targets) !== namesOf(before.get(name) ?? [])) this.#tell(name, targets);
    }
  }

  #tell(upstream: string, targets: readonly TargetConfig[]): void {
    const { log, events, onChange } = this.#options;
    const details = { upstream, targets: targets.map(targetName) };
    const text = `upstream ${upstream} has ${targets.length} ${targets.length === 1 ? 'target' : 'targets'} now`;
    log.info(details, text);
    events.add('health', text, details);
    onChange(upstream, targets);
  }

  /** Where none were ever found, connections say so themselves. */
  #sayFailure(name: string, known: Name, failure: string): void {
    if (failure === known.failure) return;
    known.failure = failure;
    if (failure === '' || known.addresses.length === 0) return;
    this.#options.log.warn({ name, code: failure }, `${name} has no address now; those found last stay in use`);
  }

  #compute(): TargetSets {
    return new Map(this.#upstreams.map(({ name, targets }) => [name, targets.flatMap((each) => this.#spread(each))]));
  }

  #spread(target: TargetConfig): readonly TargetConfig[] {
    const addresses = this.#names.get(target.host)?.addresses ?? [];
    return addresses.length === 0 ? [target] : addresses.map((address) => ({ ...target, address }));
  }
}

const namesOf = (targets: readonly TargetConfig[]): string => targets.map(targetName).join(' ');
