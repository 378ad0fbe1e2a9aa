import type { z } from 'zod';
import { clientLimitsAnswer, limitsResetAnswer, topRefusedAnswer } from '../../src/shared/admin/limits.ts';
import type { ClientLimitsAnswer, TopRefusedAnswer } from '../../src/shared/admin/limits.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { get } from '../support/requests.ts';

export interface Called {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface LimitCalls {
  /** Any call under /admin/limits; the client is percent-encoded here. */
  call(method: string, client: string, body?: unknown): Promise<Called>;
  show(client: string): Promise<ClientLimitsAnswer>;
  reset(client: string): Promise<z.infer<typeof limitsResetAnswer>>;
  change(client: string, body: unknown): Promise<ClientLimitsAnswer>;
  top(query?: string): Promise<TopRefusedAnswer>;
}

/** The calls under /admin/limits of a gateway; answers are checked against the schemas that document them. */
export function limitCalls({ gateway }: Pick<Limited, 'gateway'>): LimitCalls {
  const send = async (path: string, method: string, body?: unknown): Promise<Called> => {
    const reply = await get(gateway.adminPort, {
      path: `/admin/limits/${path}`,
      method,
      headers: {
        ...(method === 'GET' ? {} : gateway.bearer),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: reply.status, body: JSON.parse(reply.body) as Record<string, unknown> };
  };
  const good = async <T>(schema: z.ZodType<T>, answer: Promise<Called>): Promise<T> => {
    const { status, body } = await answer;
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return schema.parse(body);
  };
  const call = (method: string, client: string, body?: unknown) => send(encodeURIComponent(client), method, body);
  return {
    call,
    show: (client) => good(clientLimitsAnswer, call('GET', client)),
    reset: (client) => good(limitsResetAnswer, call('DELETE', client)),
    change: (client, body) => good(clientLimitsAnswer, call('POST', client, body)),
    top: (query = '') => good(topRefusedAnswer, send(`top${query}`, 'GET')),
  };
}
