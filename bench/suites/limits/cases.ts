import type { LoadRequest } from '../../shared/load/plan.ts';

/** What names a client: the address, or the field below. */
export type ClientBy = 'ip' | 'header';

/** The field that names clients in the case of many keys. */
export const CLIENT_HEADER = 'x-client';

export const MANY_KEYS = 10_000;

export const PATH = '/ok';

/** The same requests for both subjects, and how much of the peer's CPU the gateway may need. */
export interface LimitCase {
  readonly title: string;
  readonly clientBy: ClientBy;
  readonly request: LoadRequest;
  /** Highest accepted ratio to nginx + Lua, proxy and Redis together. */
  readonly target: number;
}

export const LIMIT_CASES: readonly LimitCase[] = [
  {
    title: 'one hot key (by address), nothing refused',
    clientBy: 'ip',
    request: { name: 'one-key', method: 'GET', requestBody: undefined },
    target: 0.45,
  },
  {
    title: `10,000 keys (by ${CLIENT_HEADER}), nothing refused`,
    clientBy: 'header',
    request: {
      name: 'many-keys',
      method: 'GET',
      requestBody: undefined,
      rotated: { header: CLIENT_HEADER, count: MANY_KEYS },
    },
    target: 0.55,
  },
];

/** The same for refusals. */
export const REFUSAL_TARGET = 0.6;

/** Every request of one client, with the statuses counted. */
export const hammer = (name: string, client: string): LoadRequest => ({
  name,
  method: 'GET',
  requestBody: undefined,
  headers: { [CLIENT_HEADER]: client },
  countStatuses: true,
});
