import { Agent, request } from 'node:http';

export interface Load {
  /** Statuses with how often each came; 0 = no answer. */
  readonly seen: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

/** Sends so many requests a second to the ports in turn, over kept connections, whatever becomes of them. */
export function startLoad(ports: readonly number[], perSecond: number, path = '/proxy/load'): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const seen = new Map<number, number>();
  const note = (status: number): void => void seen.set(status, (seen.get(status) ?? 0) + 1);
  const startMs = performance.now();
  let sent = 0;
  let over = 0;
  let resolveStopped: (() => void) | undefined;
  const finished = (status: number): void => {
    note(status);
    over++;
    if (over === sent) resolveStopped?.();
  };
  const send = (): void => {
    const req = request({ host: '127.0.0.1', port: ports[sent % ports.length], path, agent }, (res) => {
      res.resume();
      res.once('close', () => finished(res.complete ? (res.statusCode ?? 0) : 0));
    });
    req.once('error', () => finished(0));
    req.end();
    sent++;
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) * perSecond) / 1_000;
    // A machine that falls behind sends less; it does not make up for it in one burst.
    for (let n = 0; sent < due && n < 50; n++) send();
  }, 4);
  return {
    seen,
    stop: async () => {
      clearInterval(timer);
      if (over < sent) await new Promise<void>((resolve) => (resolveStopped = resolve));
      agent.destroy();
    },
  };
}
