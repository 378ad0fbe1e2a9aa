import { startGateway } from '../support/gateway.ts';
import type { Gateway, GatewayOptions } from '../support/gateway.ts';
import { answerText, ask, recordingUpstream } from '../support/http.ts';
import type { Message, RecordingUpstream } from '../support/http.ts';

export interface Ruled extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly upstream: RecordingUpstream;
  /** What the upstream answers from now on. */
  answer: string;
  /** The answer of the gateway. */
  ask(request: string): Promise<Message>;
  /** The request as the upstream got it; fails where it got none, or several. */
  seen(request: string): Promise<Message>;
}

/** @param rest of GATEWAY_CONFIG: everything but the upstream, which is called `o` */
export async function startRuled(rest: string, options: Omit<GatewayOptions, 'yaml'> = {}): Promise<Ruled> {
  const upstream = await recordingUpstream(() => ruled.answer);
  const gateway = await startGateway({
    ...options,
    yaml: `upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" } }\n${rest}`,
  });
  const ruled: Ruled = {
    gateway,
    upstream,
    answer: answerText(),
    ask: (request) => ask(gateway.port, request),
    seen: async (request) => {
      const before = upstream.requests.length;
      await ask(gateway.port, request);
      const [seen, ...others] = upstream.requests.slice(before);
      if (seen === undefined || others.length > 0) throw new Error(`the upstream got ${others.length + 1} requests`);
      return seen;
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
  return ruled;
}
