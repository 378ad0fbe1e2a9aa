/** The parts of autocannon 9 that the load child uses; the package brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export interface Request {
    method: string;
    headers: Record<string, string>;
    body?: string;
  }

  export interface Client {
    setRequests(requests: readonly Request[]): void;
  }

  export interface Options {
    /** Several: connections take turns. */
    url: string | readonly string[];
    connections: number;
    /** Seconds. */
    duration: number;
    /** Milliseconds; a run also ends only at the end of such an interval. */
    sampleInt: number;
    /** Requests on their way at once on each connection. */
    pipelining: number;
    requests: readonly Request[];
    setupClient?(client: Client): void;
  }

  /** Emits `start`, `response` (client, status, bytes, milliseconds), `reqError` (error) and `done`. */
  export default function autocannon(options: Options, done: (error: Error | null) => void): EventEmitter;
}
