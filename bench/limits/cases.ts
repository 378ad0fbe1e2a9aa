import type { LoadRequest } from '../shared/wrk-script.ts';

/** What names a client: the address, or the field below. */
export type ClientBy = 'ip' | 'header';

/** The field that names clients in the case of many keys. */
export const CLIENT_HEADER = 'x-client';

/** The same requests for both subjects, and how much of the peer's CPU the gateway may need. */
export interface LimitCase extends LoadRequest {
  readonly name: 'one-key' | 'many-keys';
  readonly title: string;
  readonly clientBy: ClientBy;
  /** Highest accepted ratio to nginx + Lua, proxy and Redis together. */
  readonly target: number;
}

/** Everything that can be asked for: the two cases of cost, the latency of a lone request, the exactness audit. */
export const PART_NAMES = ['one-key', 'many-keys', 'lone', 'audit'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** Highest accepted number of scripts per request under load. */
export const SCRIPTS_TARGET = 0.1;

export const PATH = '/ok';

export const LIMIT_CASES: readonly LimitCase[] = [
  {
    name: 'one-key',
    title: 'one hot key (by address), nothing refused',
    clientBy: 'ip',
    method: 'GET',
    requestBody: undefined,
    target: 0.55,
  },
  {
    name: 'many-keys',
    title: `10,000 keys (by ${CLIENT_HEADER}), nothing refused`,
    clientBy: 'header',
    method: 'GET',
    requestBody: undefined,
    rotated: { header: CLIENT_HEADER, count: 10_000 },
    target: 0.65,
  },
];
