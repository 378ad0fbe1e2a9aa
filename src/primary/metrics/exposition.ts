import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import { monotonicMs } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { MetricDefinition } from './definition.ts';

/** Default metrics that promtool objects to: gauges named as counters. What they add up has series of its own. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** With a thousand routes rendering takes a fifth of a second; connections must not wait for all of it. */
const LONGEST_TURN_MS = 10;

export interface Exposition {
  readonly contentType: string;
  /** The text format. Never rejects: a metric that fails is left out and logged, once for its name. */
  render(): Promise<string>;
}

/** Metrics about this process from prom-client, and `definitions`, which are read each time. Once per process. */
export function createExposition(definitions: readonly MetricDefinition[], log: Log): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  for (const definition of definitions) registry.registerMetric(asMetric(definition));
  const told = new Set<string>();

  const renderOne = async (name: string): Promise<string> => {
    try {
      return await registry.getSingleMetricAsString(name);
    } catch (error) {
      if (!told.has(name)) log.error({ err: error, metric: name }, 'a metric cannot be read and is left out');
      told.add(name);
      return '';
    }
  };
  return {
    contentType: registry.contentType,
    // Not registry.metrics(): there one metric that fails fails them all.
    render: async () => {
      const texts: string[] = [];
      let turnMs = monotonicMs();
      for (const { name } of registry.getMetricsAsArray()) {
        texts.push(await renderOne(name));
        if (monotonicMs() - turnMs < LONGEST_TURN_MS) continue;
        await nextTurn();
        turnMs = monotonicMs();
      }
      return `${texts.filter(hasSamples).join('\n\n')}\n`;
    },
  };
}

/** More than the two lines of HELP and TYPE. */
const hasSamples = (text: string): boolean => text.split('\n', 3).length === 3;

/**
 * What a registry of prom-client asks of a metric is its name and `get` (registry.js; its own AggregatorRegistry
 * registers such objects too). Its classes cannot be given whole histograms.
 */
function asMetric(definition: MetricDefinition): Metric {
  const { name, help, type } = definition;
  return { name, get: () => ({ name, help, type, values: definition.read() }) } as unknown as Metric;
}
