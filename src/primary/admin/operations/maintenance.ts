import { maintenanceAnswer, maintenanceChange } from '../../../shared/admin/maintenance.ts';
import type { MaintenanceAnswer, MaintenanceChange, MaintenanceEntry } from '../../../shared/admin/maintenance.ts';
import { wallClockMs } from '../../../shared/clock.ts';
import { ALL_ROUTES, MAINTENANCE_SECONDS } from '../../../shared/maintenance/maintenance.ts';
import type { HeldMaintenance, MaintenanceBook, MaintenanceWish } from '../../maintenance/maintenance-book.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

export interface MaintenanceParts {
  readonly book: Pick<MaintenanceBook, 'held' | 'isKept' | 'refresh' | 'say' | 'scope'>;
  /** This node's name. */
  readonly node: string;
  /** Names of those of the configuration in use. */
  readonly routes: () => readonly string[];
}

/** As operators see it. */
export const maintenanceEntryOf = ({ route, record, remainingMs, scope }: HeldMaintenance): MaintenanceEntry => ({
  route,
  until: new Date(wallClockMs() + remainingMs).toISOString(),
  remainingSeconds: Math.ceil(remainingMs / 1000),
  text: record.text,
  allow: record.allow,
  by: record.by,
  scope,
});

const answerOf = (book: MaintenanceParts['book'], scope: MaintenanceAnswer['scope']): AdminAnswer =>
  json(200, { scope, kept: book.isKept, maintenance: book.held().map(maintenanceEntryOf) });

/** What is to be said: of one route, or of all; OFF without a route ends whatever there is. */
function wishesOf({ book }: MaintenanceParts, change: MaintenanceChange, by: string): readonly MaintenanceWish[] {
  const { route = ALL_ROUTES } = change;
  if (change.state === 'ON') {
    const { for: seconds = MAINTENANCE_SECONDS.default, text = '', allow = [] } = change;
    return [{ route, on: true, text, allow, by, forMs: seconds * 1000 }];
  }
  const ends = change.route === undefined ? [ALL_ROUTES, ...book.held().map((held) => held.route)] : [route];
  return [...new Set(ends)].map((each) => ({ route: each, on: false, text: '', allow: [], by, forMs: 0 }));
}

async function change(parts: MaintenanceParts, body: MaintenanceChange, by: string): Promise<AdminAnswer> {
  const { book, routes } = parts;
  if (body.state === 'OFF') await book.refresh(); // what was said on another node a moment ago ends too
  const { route } = body;
  const isKnown =
    route === undefined ||
    routes().includes(route) ||
    (body.state === 'OFF' && book.held().some((held) => held.route === route));
  if (!isKnown) {
    return problem(404, 'unknown_route', {
      detail: 'There is no such route in the configuration.',
      routes: routes(),
    });
  }
  return answerOf(book, await book.say(wishesOf(parts, body, by)));
}

/** Maintenance: what of the gateway refuses its clients for a time, and who passes all the same. */
export const maintenanceOperations = (parts: MaintenanceParts): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/maintenance',
    id: 'listMaintenance',
    summary: 'What is under maintenance now.',
    answer: maintenanceAnswer,
    handle: () => answerOf(parts.book, parts.book.scope),
  }),
  operation<MaintenanceChange>({
    method: 'POST',
    path: '/admin/maintenance',
    id: 'changeMaintenance',
    summary:
      'Puts a route, or all, under maintenance on all nodes for a time: its clients get 503 `maintenance` with Retry-After; ' +
      'or ends it. `scope` of the answer: node while Redis cannot be asked, which is told when it can.',
    body: maintenanceChange,
    answer: maintenanceAnswer,
    problems: { 404: 'No such route; `routes` lists those that exist.' },
    handle: ({ body, caller }) => change(parts, body, `${caller.who} ${caller.remoteAddress} at ${parts.node}`),
  }),
];
