import { startGateway } from '../support/gateway.ts';
import type { Gateway, GatewayOptions } from '../support/gateway.ts';
import { answerText, recordingUpstream } from '../support/http.ts';
import type { Message, RecordingUpstream } from '../support/http.ts';
import type { RawConnection } from '../support/raw.ts';
import { reloadsOf } from '../support/reload.ts';

/** What an authorizer answers: text as it goes over the wire, '' = nothing. */
export type AuthorizerAnswer = (request: Message, connection: RawConnection) => string;

export interface Guarded extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly upstream: RecordingUpstream;
  /** A server of its own, that decides by `answers`. */
  readonly authorizer: RecordingUpstream;
  answers: AuthorizerAnswer;
  reload(authorize: string): Promise<void>;
}

export const YES = (fields: readonly string[] = []): string => answerText('', fields, '204 No Content');
export const NO = (fields: readonly string[] = [], body = 'no\n'): string =>
  answerText(body, ['Content-Type: text/plain', ...fields], '401 Unauthorized');

/**
 * A gateway that asks an authorizer before it forwards `/a` to its upstream; `/open` goes to the same upstream unasked, and
 * `/apart` to another name for it.
 * @param authorize of the route, beside its url
 * @param options.more of the configuration
 * @param options.route more of the route
 * @param options.to port of an upstream of the test's own
 */
export async function startGuarded(
  authorize = '',
  options: Omit<GatewayOptions, 'yaml'> & {
    readonly more?: string;
    readonly route?: string;
    readonly to?: number;
  } = {},
): Promise<Guarded> {
  const { more = '', route = '', to, ...rest } = options;
  const upstream = await recordingUpstream();
  const authorizer = await recordingUpstream((request, connection) => guarded.answers(request, connection));
  const yaml = (own: string): string => `
upstreams:
  o: { url: "http://127.0.0.1:${to ?? upstream.port}" }
  p: { url: "http://127.0.0.1:${upstream.port}" }
routes:
  - { path: /a, upstream: o${route}, authorize: { url: "http://127.0.0.1:${authorizer.port}/check?for=a"${own === '' ? '' : `, ${own}`} } }
  - { path: /open, upstream: o }
  - { path: /apart, upstream: p }
${more}`;
  const gateway = await startGateway({ ...rest, env: { ACCESS_LOG: 'on', ...rest.env }, yaml: yaml(authorize) });
  const reload = reloadsOf(gateway);
  const guarded: Guarded = {
    gateway,
    port: gateway.port,
    upstream,
    authorizer,
    answers: () => YES(),
    reload: (own) => reload(yaml(own)),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await authorizer[Symbol.asyncDispose]();
    },
  };
  return guarded;
}
