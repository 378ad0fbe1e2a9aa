/** What was measured of a few nodes and holds for many. */
export interface ScaleConstants {
  /** CPU of Redis: of one script, whatever is in it, and of each request in one; µs. */
  readonly scriptUs: number;
  readonly requestUs: number;
  /** Scripts per request at so many requests a second and node, the lowest rate first. */
  readonly scriptsAt: readonly (readonly [perNode: number, scriptsPerRequest: number])[];
  /** CPU of Redis for a node without any request, ms a second. */
  readonly restMsPerSecond: number;
  /** Connections of a node to Redis, and what Redis keeps for each. */
  readonly connectionsPerNode: number;
  readonly bytesPerConnection: number;
  /** CPU of Redis to hand one event to one node, µs. */
  readonly deliveryUs: number;
}

export interface ScaleLoad {
  readonly nodes: number;
  readonly perNode: number;
  /** Events a second in the whole cluster: each goes to every node. */
  readonly eventsPerSecond: number;
  /** `maxclients` of Redis. */
  readonly maxClients: number;
}

export interface Prediction {
  /** Of one core, which is all that one Redis has; above 1 = more than there is. */
  readonly redisCores: number;
  readonly redisUsPerRequest: number;
  readonly connections: number;
  readonly connectionMiB: number;
  /** What is used up, dearest first; empty = it holds. */
  readonly breaks: readonly ('Redis CPU' | 'Redis connections')[];
}

const MIB = 1024 ** 2;
/** Beyond that a decision waits longer for its turn than it takes. */
export const MOST_BUSY = 0.7;

/** One measured size of a cluster. */
export interface SizedRun {
  readonly nodes: number;
  readonly perSecond: number;
  readonly scriptsPerRequest: number;
  readonly redisUs: number;
}

/**
 * CPU of Redis as a line over scripts per request: what a script costs, and what each request in one does. By least squares;
 * of sizes that do not differ in scripts per request no line can be told, then a request costs nothing beside its script.
 */
export function fitRedis(runs: readonly SizedRun[]): Pick<ScaleConstants, 'scriptUs' | 'requestUs'> {
  const mean = (of: (run: SizedRun) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const [x, y] = [mean((run) => run.scriptsPerRequest), mean((run) => run.redisUs)];
  const spread = mean((run) => (run.scriptsPerRequest - x) ** 2);
  const slope = spread === 0 ? 0 : mean((run) => (run.scriptsPerRequest - x) * (run.redisUs - y)) / spread;
  const requestUs = y - slope * x;
  return slope > 0 && requestUs >= 0 ? { scriptUs: slope, requestUs } : { scriptUs: y / x, requestUs: 0 };
}

/** Between two measured rates in proportion; below the lowest one script a request, above the highest as there. */
export function scriptsAt(points: ScaleConstants['scriptsAt'], perNode: number): number {
  const above = points.findIndex(([rate]) => rate >= perNode);
  if (above < 0) return points.at(-1)?.[1] ?? 1;
  const [highRate, high] = points[above] ?? [perNode, 1];
  const [lowRate, low] = points[above - 1] ?? [0, 1];
  return highRate === lowRate ? high : low + ((high - low) * (perNode - lowRate)) / (highRate - lowRate);
}

export function predict(constants: ScaleConstants, load: ScaleLoad): Prediction {
  const { scriptUs, requestUs, restMsPerSecond, connectionsPerNode, bytesPerConnection, deliveryUs } = constants;
  const { nodes, perNode, eventsPerSecond, maxClients } = load;
  const redisUsPerRequest = scriptsAt(constants.scriptsAt, perNode) * scriptUs + requestUs;
  const events = eventsPerSecond * nodes * deliveryUs;
  const redisCores = (nodes * perNode * redisUsPerRequest + events) / 1e6 + (nodes * restMsPerSecond) / 1000;
  const connections = nodes * connectionsPerNode;
  return {
    redisCores,
    redisUsPerRequest,
    connections,
    connectionMiB: (connections * bytesPerConnection) / MIB,
    breaks: [
      ...(redisCores > MOST_BUSY ? (['Redis CPU'] as const) : []),
      ...(connections > maxClients ? (['Redis connections'] as const) : []),
    ],
  };
}

/** The most nodes that one Redis holds at this rate of each. */
export function mostNodes(constants: ScaleConstants, load: Omit<ScaleLoad, 'nodes'>): number {
  const one = predict(constants, { ...load, nodes: 1 });
  const byCpu = Math.floor(MOST_BUSY / one.redisCores);
  const byConnections = Math.floor(load.maxClients / Math.max(constants.connectionsPerNode, 1));
  return Math.min(byCpu, byConnections);
}
