import { startGateway } from '../support/gateway.ts';
import type { Gateway, GatewayOptions } from '../support/gateway.ts';
import { answerText, ask, recordingUpstream, requestText, statusOf, valuesOf } from '../support/http.ts';
import type { Message, RecordingUpstream } from '../support/http.ts';
import { reloadsOf } from '../support/reload.ts';

export interface Browsed extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly upstream: RecordingUpstream;
  /** What the upstream, `o` in the file, answers from now on. */
  answer: (request: Message) => string;
  /** @param fields lines such as `Origin: https://a` */
  readonly ask: (method: string, target: string, fields?: readonly string[]) => Promise<Message>;
  /** Writes other routes and reloads; resolves when every thread uses them. */
  readonly reload: (routes: string) => Promise<void>;
}

/**
 * A gateway with these routes in front of an upstream that a test steers.
 * @param options.rest what else the file has
 */
export async function startBrowsed(
  routes: string,
  { rest = '', ...options }: Omit<GatewayOptions, 'yaml'> & { readonly rest?: string } = {},
): Promise<Browsed> {
  const upstream = await recordingUpstream((request) => browsed.answer(request));
  const yaml = (text: string): string =>
    `upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" } }\n${rest}\nroutes:\n${text}`;
  const gateway = await startGateway({
    ...options,
    env: { ACCESS_LOG: 'on', ...options.env },
    yaml: yaml(routes),
  });
  const reload = reloadsOf(gateway);
  const browsed: Browsed = {
    gateway,
    port: gateway.port,
    upstream,
    answer: () => answerText(),
    ask: (method, target, fields) => ask(gateway.port, requestText(method, target, fields)),
    reload: (text) => reload(yaml(text)),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
  return browsed;
}

/** The code of a problem. */
export const codeOf = ({ body }: Message): unknown => (JSON.parse(body) as { code: unknown }).code;

/** Fields of an answer with this beginning, in order, and what they say. */
export const fieldsWith = (answer: Message, prefix: string): Record<string, string> =>
  Object.fromEntries(
    [...new Set(answer.fields.map(([name]) => name.toLowerCase()))]
      .filter((name) => name.startsWith(prefix))
      .map((name) => [name, valuesOf(answer, name).join(' | ')]),
  );

/** Statuses of a GET of each path. */
export async function browsedStatuses(
  browsed: Browsed,
  paths: readonly string[],
  fields: readonly string[],
): Promise<number[]> {
  const seen: number[] = [];
  for (const path of paths) seen.push(statusOf(await browsed.ask('GET', path, fields)));
  return seen;
}
