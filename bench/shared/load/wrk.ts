import type { LoadRequest, LoadResult } from './plan.ts';

type Field = 'requests' | 'us' | 'p50' | 'p90' | 'p99' | 'p999' | 'max' | Trouble;
type Trouble = 'connect' | 'read' | 'write' | 'status' | 'timeout';

/**
 * Reads the RESULT line of our wrk script; `busyCores` is the caller's to know. With a connection for each request wrk takes
 * the end of one for a read error unless the answer has said `Connection: close`: the answer was whole and counted by then.
 * @throws Error when there is no such line
 */
export function parseWrk(
  output: string,
  { newConnections }: Pick<LoadRequest, 'newConnections'> = {},
): Omit<LoadResult, 'busyCores'> {
  const line = /^RESULT (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error('no RESULT line');
  const told = JSON.parse(line) as Record<Field, number> & { statuses: Record<string, number> };
  const ends = newConnections === true ? Math.min(told.read, told.requests) : 0;
  const seen = { ...told, read: told.read - ends };
  const counted = Object.keys(seen.statuses).length > 0;
  const troubles = ['connect', 'read', 'write', 'timeout'] as const;
  const problems = [...troubles, 'status' as const]
    .filter((kind) => seen[kind] !== 0 && !(kind === 'status' && counted))
    .map((kind) => `${kind} errors: ${seen[kind]}`);
  if (seen.requests === 0) problems.push('no request was answered');
  return {
    requests: seen.requests,
    statuses: seen.statuses,
    errors: troubles.reduce((sum, kind) => sum + seen[kind], 0),
    seconds: seen.us / 1e6,
    p50Us: seen.p50,
    p90Us: seen.p90,
    p99Us: seen.p99,
    p999Us: seen.p999,
    maxUs: seen.max,
    timeline: [],
    problems,
  };
}
