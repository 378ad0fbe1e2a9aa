import type { ConsumerConfig, IdentitiesConfig, ProfileConfig } from '../../../shared/config/identity/types.ts';
import type { Identity } from '../../../shared/identity/identity.ts';
import { priorityOf } from '../../../shared/overload/priority.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { consumerClient, percent } from '../../../shared/limits/client-key.ts';

/** What one configuration makes of an identity. */
export interface Caller {
  readonly identity: Identity;
  readonly consumer: string;
  /** Name of its buckets. */
  readonly client: string;
  /** `''` = none. */
  readonly profile: string;
  readonly groups: readonly string[];
  /** The configuration refuses this consumer. */
  readonly disabled: boolean;
  /** Most of its exchanges under way, per thread; 0 = no limit. */
  readonly maxInFlight: number;
  /** Of its requests, where the route says none. */
  readonly priority: Priority | undefined;
  /** What the upstream is told, lines with their CRLF. */
  readonly fields: string;
}

/** Callers of one configuration: made once for each identity, as identities outlive a reload and what it says does not. */
export class Callers {
  readonly #consumers: ReadonlyMap<string, ConsumerConfig>;
  readonly #profiles: ReadonlyMap<string, ProfileConfig>;
  readonly #known = new WeakMap<Identity, Caller>();

  constructor({ consumers, profiles }: IdentitiesConfig) {
    this.#consumers = new Map(consumers.map((consumer) => [consumer.name, consumer]));
    this.#profiles = new Map(profiles.map((profile) => [profile.name, profile]));
  }

  of(identity: Identity): Caller {
    let caller = this.#known.get(identity);
    if (caller === undefined) this.#known.set(identity, (caller = this.#make(identity)));
    return caller;
  }

  /** What the configuration says of a consumer goes before what its credential says. */
  #make(identity: Identity): Caller {
    const { consumer } = identity;
    const own = this.#consumers.get(consumer);
    const profile = own === undefined || own.profile === '' ? identity.profile : own.profile;
    const groups = [...new Set([...identity.groups, ...(own?.groups ?? [])])];
    let fields = `x-consumer-id: ${fieldText(consumer)}\r\n`;
    if (profile !== '') fields += `x-consumer-profile: ${fieldText(profile)}\r\n`;
    if (groups.length > 0) fields += `x-consumer-groups: ${groups.map(fieldText).join(',')}\r\n`;
    return {
      identity,
      consumer,
      client: consumerClient(consumer),
      profile,
      groups,
      disabled: own?.disabled ?? false,
      maxInFlight: this.#profiles.get(profile)?.maxInFlight ?? 0,
      priority: priorityOf(this.#profiles.get(profile)?.priority),
      fields,
    };
  }
}

/** Visible ASCII but `%` and `,` as it is, every other byte as %XX: claims may hold anything. */
export const fieldText = (text: string): string =>
  text.replaceAll(/[^!-$&-+\--~]/gu, (character) => [...Buffer.from(character)].map(percent).join(''));
