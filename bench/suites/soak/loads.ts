import type { LoadResult } from '../../shared/load/plan.ts';
import { startLoad } from '../../shared/load/run.ts';
import type { Session } from '../../shared/session.ts';
import type { SoakPlan } from './plan.ts';

const TIMEOUT_MS = 5000;

/** Clients of one kind. */
export interface Clients {
  readonly name: string;
  /** In this process's `performance.now()`. */
  readonly startedMs: number;
  readonly result: Promise<LoadResult>;
}

export interface ClientsPlan {
  readonly url: string;
  readonly connections: number;
  readonly ratePerSecond: number;
  readonly soak: SoakPlan;
}

/**
 * Three kinds at once: `steady` ones with kept connections, `churn` with a new connection for every request, and
 * `impatient` ones who hang up on an answer that takes too long.
 */
export async function startClients(session: Session, plan: ClientsPlan): Promise<Record<ClientKind, Clients>> {
  const { url, connections, ratePerSecond, soak } = plan;
  const few = Math.max(5, Math.round(ratePerSecond / 20));
  const kinds = {
    steady: { path: '/ok', connections, ratePerSecond, timeoutMs: TIMEOUT_MS, headers: {} },
    churn: { path: '/ok', connections: 8, ratePerSecond: few, timeoutMs: TIMEOUT_MS, headers: { Connection: 'close' } },
    // The upstream takes its time; nobody waits for it.
    impatient: { path: '/wait/2000', connections: 8, ratePerSecond: 5, timeoutMs: 200, headers: {} },
  } as const satisfies Record<ClientKind, unknown>;
  const start = async (name: ClientKind): Promise<Clients> => {
    const { path, headers, ...own } = kinds[name];
    const request = { name, method: 'GET', requestBody: undefined, headers, countStatuses: true } as const;
    const load = startLoad(session, {
      ...own,
      request,
      url: url + path,
      seconds: soak.seconds,
      timelineMs: soak.sliceMs,
    });
    load.result.catch(() => {}); // told to whoever waits for it at the end
    return { name, startedMs: await load.startedMs, result: load.result };
  };
  const [steady, churn, impatient] = await Promise.all([start('steady'), start('churn'), start('impatient')]);
  return { steady, churn, impatient };
}

export type ClientKind = 'steady' | 'churn' | 'impatient';
