import { Agent, request } from 'node:http';

/** A request that was sent, as the drill counts. */
interface Sent {
  readonly id: number;
  /** Failures that had come back by then, of those that are counted. */
  readonly afterFailures: number;
}

/** What has come back of a request; 0 = no answer. */
export interface Answer extends Sent {
  readonly status: number;
}

export interface DrillLoad {
  readonly answers: readonly Answer[];
  readonly inFlight: number;
  /** Requests up to now. */
  readonly sent: number;
  /** Counts failures once what is under way has come back: good answers among it are of a target that has just gone bad. */
  fromNow(): void;
  stop(): Promise<void>;
}

export interface DrillOptions {
  readonly perSecond: number;
  readonly method?: string;
  /** Whether a failure is one of those that are counted; default: all are. */
  readonly counts?: (answer: Answer) => boolean;
  /** Called before each request is sent. */
  readonly onSend?: (inFlight: number) => unknown;
}

export const pathOf = (id: number): string => `/proxy/load/${id}`;
/** Of a path that a target has seen. */
export const idOf = (path: string): number => Number(path.slice(path.lastIndexOf('/') + 1));
export const failed = ({ status }: Answer): boolean => status !== 200;

/**
 * Sends so many requests a second over kept connections, whatever becomes of them, and notes which failures each of them
 * could not know of: what a gateway has told a client it knows itself, so whatever the machine does meanwhile, a request
 * sent after that is treated accordingly.
 */
export function startDrill(
  port: number,
  { perSecond, method = 'GET', counts = () => true, onSend }: DrillOptions,
): DrillLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const answers: Answer[] = [];
  const open = new Set<number>();
  const startMs = performance.now();
  let sent = 0;
  let failures = 0;
  /** Requests of before `fromNow` that are still under way. */
  let unsettled = new Set<number>();
  let resolveStopped: (() => void) | undefined;
  const finished = (of: Sent, status: number): void => {
    const answer = { ...of, status };
    answers.push(answer);
    open.delete(of.id);
    if (unsettled.size === 0 && failed(answer) && counts(answer)) failures++;
    unsettled.delete(of.id);
    if (open.size === 0) resolveStopped?.();
  };
  const send = (): void => {
    onSend?.(open.size);
    const of: Sent = { id: sent++, afterFailures: failures };
    open.add(of.id);
    const req = request({ host: '127.0.0.1', port, path: pathOf(of.id), method, agent }, (res) => {
      res.resume();
      res.once('close', () => finished(of, res.complete ? (res.statusCode ?? 0) : 0));
    });
    req.once('error', () => finished(of, 0));
    req.end();
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) * perSecond) / 1_000;
    // A machine that falls behind sends less; it does not make up for it in one burst.
    for (let n = 0; sent < due && n < 50; n++) send();
  }, 4);
  return {
    answers,
    get inFlight() {
      return open.size;
    },
    get sent() {
      return sent;
    },
    fromNow: () => {
      unsettled = new Set(open);
    },
    stop: async () => {
      clearInterval(timer);
      if (open.size > 0) await new Promise<void>((resolve) => (resolveStopped = resolve));
      agent.destroy();
    },
  };
}
