import { z } from 'zod';
import { EVENT_TYPES, gatewayEvent } from '../../../shared/admin/operations.ts';
import type { EventType } from '../../../shared/admin/operations.ts';
import type { EventLog } from '../../events/event-log.ts';
import { wanted } from '../../events/event-readers.ts';
import type { EventReaders } from '../../events/event-readers.ts';
import { json, problem } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';
import { invalidRequest } from '../server/read-body.ts';

const isType = (name: string): name is EventType => (EVENT_TYPES as readonly string[]).includes(name);

const RETRY_AFTER_SECONDS = '15';

/** What has happened, and what happens. */
export function eventOperations(log: EventLog, readers: EventReaders): readonly AnyOperation[] {
  return [
    operation({
      method: 'GET',
      path: '/admin/events',
      id: 'events',
      summary:
        'Server-sent events: the last 200, or those after Last-Event-ID, then whatever happens. With Accept: application/json the kept ones alone.',
      parameters: {
        type: { in: 'query', description: `Only these, separated by commas: ${EVENT_TYPES.join(', ')}.` },
      },
      answer: z.array(gatewayEvent),
      produces: 'text/event-stream',
      problems: { 503: 'As many readers as there may be are connected.' },
      handle({ query, headers }) {
        const names = (query.get('type') ?? '').split(',').filter((name) => name !== '');
        const unknown = names.filter((name) => !isType(name));
        if (unknown.length > 0) {
          const expected = `one of ${EVENT_TYPES.join(', ')}`;
          const errors = unknown.map((got) => ({ path: 'type', expected, got: JSON.stringify(got) }));
          return invalidRequest('The query', errors);
        }
        const wish = { types: new Set(names.filter(isType)), afterId: idOf(headers['last-event-id']) };
        if (/\bapplication\/json\b/i.test(headers.accept ?? '')) {
          return json(200, wanted(log.kept(wish.afterId), wish.types));
        }
        if (readers.isFull) {
          const detail = 'As many readers of events as there may be are connected.';
          return { ...problem(503, 'too_many_readers', { detail }), headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
        }
        return { status: 200, type: 'text/event-stream', open: (stream) => readers.open(stream, wish) };
      },
    }),
  ];
}

const idOf = (header: string | readonly string[] | undefined): number | undefined =>
  typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
