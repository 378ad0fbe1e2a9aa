import { FIGURES, rounded } from '../../shared/figures.ts';
import type { CaseContext, CaseRuns } from '../../shared/load-case.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import { readWork } from '../../shared/redis.ts';
import { summarize } from '../../shared/statistics.ts';
import { fitRedis, mostNodes, predict, scriptsAt } from './model.ts';
import type { ScaleConstants, SizedRun } from './model.ts';

const TITLE = 'a model of one Redis, from what was measured here';
const SIZES = [10, 100, 1000] as const;
/** Requests a second of each node. */
const RATES = [100, 1000, 10_000] as const;
/** Of the whole cluster; breakers, overrides and health change less often than that on a bad day. */
const EVENTS_PER_SECOND = 10;
const SUBSCRIBERS = 8;
const PUBLISHED = 2000;

/** What idle nodes keep a Redis busy with; of all nodes together. */
export interface AtRest {
  readonly redisMsPerSecond: number;
  readonly nodes: number;
}

/** Predicts 10, 100 and 1,000 nodes from the measured sizes, and holds the model against the largest of those. */
export async function recordPredictions(
  { record }: CaseContext,
  seen: CaseRuns,
  { counts, redis, rest }: { readonly counts: readonly number[]; readonly redis: BenchRedis; readonly rest: AtRest },
): Promise<void> {
  const runs = sizes(seen, counts);
  if (runs.length < 2) {
    record.note('No model: fewer than two sizes of the cluster could be measured.');
    return;
  }
  const shared = { ...(await connectionCosts(redis, rest.nodes)), deliveryUs: await deliveryUs(redis) };
  const constantsOf = (own: readonly SizedRun[]): ScaleConstants => ({
    ...fitRedis(own),
    scriptsAt: own
      .map((run) => [run.perSecond / run.nodes, run.scriptsPerRequest] as const)
      .toSorted(([a], [b]) => a - b),
    restMsPerSecond: rest.redisMsPerSecond / rest.nodes,
    ...shared,
  });
  const measure = (subject: string, metric: string, [value, unit]: readonly [value: number, unit: string]): void =>
    record.measure({ case: TITLE, subject, metric, unit, better: 'neither', samples: [rounded(value)] });
  const constants = constantsOf(runs);
  measure('measured', 'redis-cpu-per-script', [constants.scriptUs, 'µs']);
  measure('measured', 'redis-cpu-per-request-in-it', [constants.requestUs, 'µs']);
  measure('measured', 'redis-cpu-at-rest-per-node', [constants.restMsPerSecond, 'ms/s']);
  measure('measured', 'redis-connections-per-node', [constants.connectionsPerNode, '']);
  measure('measured', 'redis-memory-per-connection', [constants.bytesPerConnection, 'B']);
  measure('measured', 'redis-cpu-per-event-and-node', [constants.deliveryUs, 'µs']);
  const maxClients = await clientLimit(redis);
  for (const nodes of SIZES) {
    for (const perNode of RATES) {
      const load = { nodes, perNode, eventsPerSecond: EVENTS_PER_SECOND, maxClients };
      const { redisCores, connections, breaks } = predict(constants, load);
      const subject = `${nodes} nodes of ${perNode} req/s`;
      measure(subject, 'predicted-redis-cores', [redisCores, '']);
      if (perNode === RATES[0]) measure(subject, 'predicted-redis-connections', [connections, '']);
      if (breaks.length > 0) record.note(`Breaks, by the model: ${subject}: ${breaks.join(' and ')}.`);
    }
  }
  for (const perNode of RATES) {
    const most = mostNodes(constants, { perNode, eventsPerSecond: EVENTS_PER_SECOND, maxClients });
    record.note(`By the model one Redis holds ${most} nodes of ${perNode} requests a second each.`);
  }
  check({ record, runs, predicted: (own) => constantsOf(own) });
  record.note(
    'What to do where Redis’ CPU is used up: RATE_LIMIT_LEASE, with which a thread asks once for many requests of a busy ' +
      'client; then Redis Cluster, over which clients’ buckets are spread by their names; a single hot client stays on ' +
      'one primary, and there each client has a script of its own (see the case of many clients). Where connections are: maxclients of Redis (and its open files), or fewer, larger nodes (WORKERS).',
  );
  record.note(
    'The model: Redis has one core, of which 70 % may be used; a script costs what the line through the measured sizes says, ' +
      'and below the lowest measured rate of a node each request comes nearer to a script of its own. Scripts per request ' +
      `between rates are interpolated; ${EVENTS_PER_SECOND} events a second go to every node. What it leaves out: the network, ` +
      'other machines’ clocks, and that a Redis busy to the brim answers late (then nodes decide alone).',
  );
}

/** The largest size from the others alone, beside what it really was. */
function check(plan: {
  readonly record: CaseContext['record'];
  readonly runs: readonly SizedRun[];
  readonly predicted: (own: readonly SizedRun[]) => ScaleConstants;
}): void {
  const { record, runs, predicted } = plan;
  const texts = runs.map((run) => {
    const others = runs.filter((other) => other !== run);
    const constants = predicted(others);
    const perNode = run.perSecond / run.nodes;
    const us = scriptsAt(constants.scriptsAt, perNode) * constants.scriptUs + constants.requestUs;
    const off = Math.round((us / run.redisUs - 1) * 100);
    return `${run.nodes}: ${us.toFixed(2)} µs told from the others, ${run.redisUs.toFixed(2)} measured (${off} %)`;
  });
  record.note(`The model against real nodes, Redis’ CPU per request, each size left out in turn: ${texts.join('; ')}.`);
}

function sizes({ subjects, runs }: CaseRuns, counts: readonly number[]): SizedRun[] {
  return subjects.flatMap(({ name }, i): SizedRun[] => {
    const own = runs.filter((run) => run.subject === name && run.problems.length === 0);
    const nodes = counts[i];
    const median = (of: (run: MeasuredRun) => number): number => summarize(own.map(of))?.median ?? 0;
    if (own.length === 0 || nodes === undefined) return [];
    return [
      {
        nodes,
        perSecond: median(FIGURES.throughput.of),
        scriptsPerRequest: median(FIGURES['scripts-per-request'].of),
        redisUs: median(FIGURES['cpu-redis'].of),
      },
    ];
  });
}

async function connectionCosts(
  { client }: BenchRedis,
  nodes: number,
): Promise<Pick<ScaleConstants, 'connectionsPerNode' | 'bytesPerConnection'>> {
  const number = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const clients = number(await client.info('clients'), 'connected_clients');
  const bytes = number(await client.info('memory'), 'mem_clients_normal');
  // One of them is the bench's own.
  return { connectionsPerNode: (clients - 1) / nodes, bytesPerConnection: bytes / Math.max(clients, 1) };
}

/** Of a channel of the bench's own, so that no node hears of it. */
async function deliveryUs(redis: BenchRedis): Promise<number> {
  const { client } = redis;
  const channel = 'bench:scale';
  const payload = 'x'.repeat(200);
  const spent = async (): Promise<number> => {
    const before = await readWork(redis);
    await Promise.all(Array.from({ length: PUBLISHED }, () => client.publish(channel, payload)));
    return (await readWork(redis)).cpuUs - before.cpuUs;
  };
  const alone = await spent();
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => client.duplicate());
  try {
    await Promise.all(subscribers.map((each) => each.subscribe(channel)));
    return Math.max(0, (await spent()) - alone) / (PUBLISHED * SUBSCRIBERS);
  } finally {
    for (const each of subscribers) each.disconnect();
  }
}

async function clientLimit({ client }: BenchRedis): Promise<number> {
  const [, value] = (await client.call('CONFIG', 'GET', 'maxclients')) as [string, string];
  return Number(value);
}
