import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { GatewayEvent } from '../../src/shared/admin/operations.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { get } from '../support/requests.ts';
import type { Ask } from '../support/requests.ts';
import { alarm, PATIENCE_MS } from '../support/wait.ts';

export const TOKEN = 'an-admin-token-of-tests';
export const BEARER = { authorization: `Bearer ${TOKEN}` } as const;

/** A gateway with an upstream; with a token where the test names one. */
export const startAdmin = (env: Readonly<Record<string, string>> = {}): Promise<Pair> => startPair({ env });

export interface AdminReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Record<string, unknown>;
}

export interface AdminAsk extends Omit<Ask, 'path' | 'method' | 'body'> {
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** One call; `target` such as `PUT /admin/log-level`. Changes come with the token that the gateway made. */
export async function call(
  gateway: Pick<Gateway, 'adminPort'> & Partial<Pick<Gateway, 'bearer'>>,
  target: string,
  { body, headers, ...rest }: AdminAsk = {},
): Promise<AdminReply> {
  const [method = '', path = ''] = target.split(' ');
  const bearer = method === 'GET' ? {} : gateway.bearer;
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const reply = await get(gateway.adminPort, {
    method,
    path,
    ...sent,
    ...rest,
    headers: { ...type, ...bearer, ...headers },
  });
  const isJson = /json/.test(reply.headers['content-type'] ?? '') && reply.body !== '';
  const json = isJson ? (JSON.parse(reply.body) as Record<string, unknown>) : {};
  return { status: reply.status, headers: reply.headers, text: reply.body, json };
}

/** Sets the level and back, so many changes in all: each is an event. */
export async function changeLevels(gateway: Gateway, changes: number): Promise<void> {
  for (let i = 0; i < changes; i++) {
    await call(gateway, 'PUT /admin/log-level', { body: { level: i % 2 === 0 ? 'warn' : 'info' } });
  }
}

/** A reader of `GET /admin/events`. */
export interface EventReader extends Disposable {
  readonly response: IncomingMessage;
  readonly events: readonly GatewayEvent[];
  /** Everything that came, heartbeats too. */
  text(): string;
  /** The first event, past or future, that the predicate takes. */
  when(takes: (event: GatewayEvent) => boolean): Promise<GatewayEvent>;
  /** Resolves when the other side has ended it. */
  readonly over: Promise<void>;
}

export function readEvents(
  gateway: Gateway,
  { query = '', headers = {} }: { readonly query?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const path = `/admin/events${query}`;
    const req = request({ host: '127.0.0.1', port: gateway.adminPort, path, headers, agent: false }, (response) => {
      let text = '';
      const events: GatewayEvent[] = [];
      const looks = new Set<() => void>();
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        const whole = (text + piece).split('\n\n');
        const known = text.split('\n\n').length - 1;
        text += piece;
        for (const frame of whole.slice(known, -1)) {
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          if (data !== undefined) events.push(JSON.parse(data) as GatewayEvent);
        }
        for (const look of looks) look();
      });
      response.on('error', () => {});
      const over = new Promise<void>((ended) => void response.once('close', ended));
      const when = (takes: (event: GatewayEvent) => boolean): Promise<GatewayEvent> =>
        new Promise((found, failed) => {
          const seen = (): string => JSON.stringify(events.slice(-20));
          const putOff = alarm(PATIENCE_MS, () => failed(new Error(`no such event: ${seen()}`)));
          const look = (): void => {
            const event = events.find(takes);
            if (event === undefined) return;
            putOff();
            looks.delete(look);
            found(event);
          };
          looks.add(look);
          look();
        });
      resolve({ response, events, text: () => text, when, over, [Symbol.dispose]: () => void req.destroy() });
    });
    req.on('error', reject);
    req.end();
  });
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly [member: string]: unknown;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
  readonly [member: string]: unknown;
}

export const documentOf = async (gateway: Gateway): Promise<Document> =>
  (await call(gateway, 'GET /admin/openapi.json', { headers: BEARER })).json as unknown as Document;

/** Every call of the document, such as `GET /admin/limits/x`. */
export async function everyCall(gateway: Gateway): Promise<string[]> {
  const { paths } = await documentOf(gateway);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, 'x')}`),
  );
}
