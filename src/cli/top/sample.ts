import { topRefusedAnswer } from '../../shared/admin/limits.ts';
import type { TopRefusedAnswer } from '../../shared/admin/limits.ts';
import { nodesAnswer, statusAnswer, trafficAnswer } from '../../shared/admin/status.ts';
import type { NodesAnswer, StatusAnswer, TrafficAnswer } from '../../shared/admin/status.ts';
import type { AdminClient } from '../admin/client.ts';
import { jsonText } from '../output/json.ts';
import { ratesBetween } from './rates.ts';
import type { Rates } from './rates.ts';

/** What one look at a gateway brings. */
export interface Sample {
  readonly status: StatusAnswer;
  readonly nodes: NodesAnswer;
  readonly refused: TopRefusedAnswer;
  readonly traffic: TrafficAnswer;
  /** Since the look before; `undefined` at the first one, and when the gateway was started again in between. */
  readonly rates: Rates | undefined;
}

/** Looks at one gateway again and again. */
export class Sampler {
  readonly #client: AdminClient;
  #last: TrafficAnswer | undefined;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  /**
   * @param signal ends it unanswered
   * @throws {CommandFailure}
   */
  async take(signal?: AbortSignal): Promise<Sample> {
    const client = this.#client;
    const [traffic, status, nodes, refused] = await Promise.all([
      client.call({ path: '/admin/traffic', answer: trafficAnswer, signal }),
      client.call({ path: '/admin/status', answer: statusAnswer, signal }),
      client.call({ path: '/admin/nodes', answer: nodesAnswer, signal }),
      client.call({ path: '/admin/limits/top', answer: topRefusedAnswer, signal }),
    ]);
    const before = this.#last;
    this.#last = traffic.value;
    return {
      status: status.value,
      nodes: nodes.value,
      refused: refused.value,
      traffic: traffic.value,
      rates: before === undefined ? undefined : ratesBetween(before, traffic.value),
    };
  }
}

/** One line of `gateway top --json`. */
export const sampleJson = ({ status, nodes, refused, traffic, rates }: Sample): string =>
  jsonText({ rates: rates ?? null, traffic, status, nodes, refused });
