import { HEALTH_DEFAULTS } from './yaml.ts';
import type { YamlProblem } from '../yaml-problems.ts';

type Mapping = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Mapping => (typeof value === 'object' && value !== null ? (value as Mapping) : {});

/**
 * What the probes of an upstream say that does not fit together. Only what is of the right type is judged: the rest is
 * the schema's to say.
 * @param value of the upstream
 */
export function checkHealth(value: unknown, path: readonly PropertyKey[]): readonly YamlProblem[] {
  const upstream = mapping(value);
  const problems: YamlProblem[] = [];
  if (mapping(upstream['circuit_breaker'])['probe'] === 'health' && !('health' in upstream)) {
    const expected = 'it, because circuit_breaker.probe is health';
    problems.push({ path: [...path, 'health'], value: undefined, expected });
  }
  const health = mapping(upstream['health']);
  const timeout = health['timeout_seconds'];
  const interval = health['interval_seconds'] ?? HEALTH_DEFAULTS.interval_seconds;
  if (typeof timeout === 'number' && typeof interval === 'number' && timeout > interval) {
    const expected = `at most interval_seconds (${interval})`;
    problems.push({ path: [...path, 'health', 'timeout_seconds'], value: String(timeout), expected });
  }
  return problems;
}
