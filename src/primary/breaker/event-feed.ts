import { parseClusterEvent } from '../../shared/redis/events.ts';
import type { ClusterEvent } from '../../shared/redis/events.ts';
import { BREAKER_KEY, EVENTS_CHANNEL } from '../../shared/redis/keys.ts';

/** Characters. A longer message is none of ours: a client's name is the longest part of one. */
const LONGEST_EVENT = 16_384;

/** What is used of an ioredis client of its own; made with `autoResubscribe: false`. */
interface SubscriberClient {
  readonly status: string;
  subscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'ready' | 'error', listener: () => void): unknown;
}

export interface EventFeedOptions {
  /** Closed by whoever made it. */
  readonly client: SubscriberClient;
  /** Database the hash lies in, for keyspace events. */
  readonly database: number;
  readonly onEvent: (event: ClusterEvent) => void;
  /** Something may have been missed, or the hash was changed by hand: read again. */
  readonly onDoubt: () => void;
}

/**
 * Listens to what other nodes did. Only hints come from here: after every (re)subscription, and on any keyspace event
 * of the hash where the server sends them, the truth is read again. Costs Redis nothing where they are off.
 */
export function createEventFeed(options: EventFeedOptions): { close(): void } {
  const { client, onEvent, onDoubt } = options;
  const keyspace = `__keyspace@${options.database}__:${BREAKER_KEY}`;
  let closed = false;

  async function subscribe(): Promise<void> {
    try {
      await client.subscribe(EVENTS_CHANNEL);
      onDoubt();
      await client.subscribe(keyspace); // apart: an ACL may forbid only this one
    } catch {
      // The connection broke again, and the next `ready` comes here; or the ACL forbids it: then the re-read has to do.
    }
  }

  client.on('ready', () => void subscribe());
  client.on('error', () => {}); // the command connection reports; without a listener ioredis writes to the console
  client.on('message', (channel: string, message: string) => {
    if (closed) return;
    if (channel === keyspace) return onDoubt();
    if (channel !== EVENTS_CHANNEL) return;
    const event = message.length > LONGEST_EVENT ? undefined : parseClusterEvent(message);
    if (event !== undefined) onEvent(event);
  });
  if (client.status === 'ready') void subscribe();

  return {
    close() {
      closed = true;
    },
  };
}
