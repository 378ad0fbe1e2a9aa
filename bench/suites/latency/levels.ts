import type { CaseContext } from '../../shared/load-case.ts';
import { measureRun } from '../../shared/measured-run.ts';
import { originOf } from '../../shared/upstream-process.ts';
import { PATH, REQUEST } from './subjects.ts';

/** The generator alone must be at least so many times as fast as what it is asked for. */
const ROOM = 2;
/** Slow enough for any generator; what it costs there is what the ceiling is reckoned from. */
const PROBE_RATE = 4000;
const PROBE_SECONDS = 2;

export interface LoadLevel {
  /** Of saturation, 0 to 1. */
  readonly share: number;
  readonly title: string;
  readonly ratePerSecond: number;
}

export interface CeilingProbe {
  readonly miniature: boolean;
  /** Of the upstream; default: the bench's own. */
  readonly origin?: string;
  readonly path?: string;
}

/**
 * Requests a second that the open loop alone can make: from the CPU that it, and the upstream where that is on its core,
 * need for each of a few thousand. At more a second each costs less, so it is rather more.
 */
export async function openLoopCeiling(cases: CaseContext, probe: CeilingProbe): Promise<number> {
  const { miniature, path = PATH } = probe;
  const { session, record, upstream, settings } = cases;
  record.progress('the open loop alone');
  const { origin = originOf(upstream) } = probe;
  const plan = {
    request: REQUEST,
    url: origin + path,
    seconds: miniature ? settings.seconds : PROBE_SECONDS,
    connections: settings.connections,
    ratePerSecond: miniature ? 200 : PROBE_RATE,
  };
  const subject = { name: 'direct', url: origin, processes: [] };
  const { busyCores, requestsPerSecond } = await measureRun(session, { subject, round: 0, upstream, plan });
  const { load = 0, upstream: forwarding = 0 } = busyCores;
  const sharing = session.cores.load !== undefined && session.cores.load === session.cores.upstream;
  return requestsPerSecond / Math.max(load + (sharing ? forwarding : 0), 0.001);
}

/**
 * The shares of saturation as rates, as far as the generator alone reaches twice as much; where it does for none, the
 * most it can vouch for. `beyond` says of each that is left out why.
 */
export function chooseLevels(plan: {
  readonly saturation: number;
  readonly ceiling: number;
  readonly shares: readonly number[];
}): { readonly levels: readonly LoadLevel[]; readonly beyond: readonly string[] } {
  const { saturation, ceiling, shares } = plan;
  const most = ceiling / ROOM;
  const level = (perSecond: number): LoadLevel => {
    const share = perSecond / saturation;
    const ratePerSecond = Math.max(1, Math.round(perSecond));
    return { share, ratePerSecond, title: `${Math.round(share * 100)} % of saturation, ${ratePerSecond} req/s` };
  };
  const all = shares.map((share) => level(share * saturation));
  const within = all.filter(({ ratePerSecond }) => ratePerSecond <= most);
  const beyond = all
    .filter((one) => !within.includes(one))
    .map(
      ({ title }) =>
        `Not shown: ${title}: the open loop alone reaches ${Math.round(ceiling)} req/s, which is not ${ROOM} times as much.`,
    );
  return { levels: within.length > 0 || beyond.length === 0 ? within : [level(most)], beyond };
}
