import { pageAnswer } from '../../shared/admin/page.ts';
import type { ChartMinutes, PageAnswer } from '../../shared/admin/page.ts';
import type { NodesAnswer, StatusAnswer } from '../../shared/admin/status.ts';
import type { BackupKind } from '../../shared/backups/manifest.ts';
import { monotonicMs, wallClockMs } from '../../shared/clock.ts';
import { json, problem } from '../admin/contract/answer.ts';
import type { AdminAnswer } from '../admin/contract/answer.ts';
import { operation } from '../admin/contract/operation.ts';
import type { AnyOperation, Operation, OperationRequest } from '../admin/contract/operation.ts';
import type { Sessions } from '../admin/server/sessions.ts';
import type { KindNumbers } from '../backups/backup-numbers.ts';
import type { EventLog } from '../events/event-log.ts';
import type { RedisMemory } from '../metrics/redis-memory.ts';
import { jobProblems } from './job-problems.ts';
import { PageHistory } from './page-history.ts';
import type { ChartWish } from './page-history.ts';
import type { PageWatch } from './watch.ts';
import { summedStanding } from './standing.ts';
import type { ClusterHistory } from './cluster-history.ts';

/** What the page's answer is made of. */
export interface PageParts {
  readonly watch: PageWatch;
  readonly node: string;
  /** Calls whose answers it holds: whoever reads the page reads what they say. */
  readonly operations: readonly AnyOperation[];
  readonly nodes: () => Promise<NodesAnswer>;
  readonly redis: {
    /** `undefined`: no Redis is configured. */
    readonly memory: RedisMemory | undefined;
    readonly states: () => readonly { readonly purpose: string; readonly up: boolean }[];
  };
  readonly backups: () => ReadonlyMap<BackupKind, KindNumbers>;
  readonly sessions: Sessions;
  readonly events: Pick<EventLog, 'listen'>;
  /** `undefined`: no Redis is configured. */
  readonly cluster: ClusterHistory | undefined;
}

/** However many pages are open, what they show is found out once in this time; after an event, anew. */
const SHARED_MS = 500;
const SHOWN_CLIENTS = '10';

type Shared = Omit<PageAnswer, 'ui' | 'history'>;

const minutesOf = (text: string | null): ChartMinutes | undefined =>
  text === null ? 15 : text === '1' || text === '15' || text === '60' ? (Number(text) as ChartMinutes) : undefined;

const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Makes the page's answers. */
export class PageSource {
  readonly #parts: PageParts;
  readonly #history: PageHistory;
  #shared: { readonly atMs: number; readonly answer: Promise<Shared> } | undefined;

  constructor(parts: PageParts) {
    this.#parts = parts;
    const { watch, node, cluster } = parts;
    this.#history = new PageHistory({ history: watch.history, node, cluster });
    parts.events.listen(() => (this.#shared = undefined));
  }

  async answer(wish: ChartWish, { headers }: Pick<OperationRequest<unknown>, 'headers'>): Promise<PageAnswer> {
    const { sessions } = this.#parts;
    const [shared, history] = await Promise.all([this.#current(), this.#history.answer(wish)]);
    return {
      ui: { mode: sessions.allowed ? 'on' : 'read-only', session: sessions.stateOf(headers) },
      ...shared,
      history,
    };
  }

  #current(): Promise<Shared> {
    const nowMs = monotonicMs();
    if (this.#shared === undefined || nowMs - this.#shared.atMs >= SHARED_MS) {
      this.#shared = { atMs: nowMs, answer: this.#find() };
    }
    return this.#shared.answer;
  }

  async #find(): Promise<Shared> {
    const { watch, redis, nodes: listNodes } = this.#parts;
    const status: StatusAnswer = watch.status();
    const [nodes, refused] = await Promise.all([
      listNodes(),
      this.#ask<PageAnswer['refused']>('topRefused', new URLSearchParams({ count: SHOWN_CLIENTS })),
      redis.memory?.refresh(),
    ]);
    const judged = watch.judge(nodes);
    const standing = await this.#standing(nodes);
    const jobs = await this.#ask<PageAnswer['jobs']>('listJobs');
    const backups = this.#backups();
    const ofJobs = jobProblems({
      node: this.#parts.node,
      nodes: nodes.nodes.length,
      jobs,
      backups,
      warnings: status.warnings,
      nowMs: wallClockMs(),
    });
    return {
      at: new Date(wallClockMs()).toISOString(),
      node: this.#parts.node,
      problems: [...judged.problems, ...ofJobs],
      okSince: ofJobs.length === 0 ? judged.okSince : null,
      status,
      breakers: await this.#ask<PageAnswer['breakers']>('listBreakers'),
      breakerSince: watch.breakerSince(),
      ...standing,
      targets: await this.#ask<PageAnswer['targets']>('listTargets'),
      refused,
      overrides: await this.#ask<PageAnswer['overrides']>('listOverrides'),
      nodes,
      jobs,
      backups,
      redis: this.#redis(),
      memory: this.#memory(),
    };
  }

  /** Of its good answer; throws where there is another. */
  async #ask<Answer>(id: string, query = new URLSearchParams()): Promise<Answer> {
    const found = this.#parts.operations.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no call ${id}`);
    const caller = { who: 'loopback', remoteAddress: '' } as const;
    const request = { params: {}, query, headers: {}, body: undefined, caller };
    const answer = await (found as unknown as Operation).handle(request);
    if (answer.status !== 200 || !('body' in answer)) throw new Error(`${id} answers ${answer.status}`);
    return JSON.parse(answer.body) as Answer;
  }

  /** Upstreams and WebSockets of all nodes that say something of them. */
  async #standing({ nodes }: NodesAnswer): Promise<Pick<PageAnswer, 'upstreams' | 'webSockets' | 'summed'>> {
    const { watch, node, cluster } = this.#parts;
    const own = watch.standing.now();
    const others = nodes.filter(({ self }) => !self).map(({ name }) => name);
    const found = await cluster?.standings(others, own.at);
    const all = [own, ...(found?.values() ?? [])];
    return { ...summedStanding(all), summed: [node, ...(found?.keys() ?? [])] };
  }

  #backups(): PageAnswer['backups'] {
    return [...this.#parts.backups()].map(([kind, { successSeconds, verifiedSeconds, unverified, bytes }]) => ({
      kind,
      madeAt: isoOf(successSeconds),
      verifiedAt: verifiedSeconds === undefined ? null : isoOf(verifiedSeconds),
      unverified: unverified ?? '',
      bytes,
    }));
  }

  #redis(): PageAnswer['redis'] {
    const { memory, states } = this.#parts.redis;
    return {
      connections: states().map(({ purpose, up }) => ({ purpose, up })),
      servers: (memory?.nodes ?? []).map(({ node, up, usedBytes, maxBytes, answerMs }) => ({
        node: node ?? '',
        up,
        usedBytes: usedBytes ?? null,
        maxBytes: maxBytes ?? null,
        answerMs: answerMs === undefined ? null : Math.round(answerMs * 100) / 100,
      })),
    };
  }

  #memory(): PageAnswer['memory'] {
    const { heapUsed, rss } = process.memoryUsage();
    const { watch } = this.#parts;
    return {
      frontHeapBytes: heapUsed,
      rssBytes: rss,
      frontLoop: Math.round(watch.frontLoop * 1000) / 1000,
      threads: [...watch.threadHeaps()],
    };
  }
}

/** `GET /admin/page` */
export const pageOperation = (source: PageSource): AnyOperation =>
  operation({
    method: 'GET',
    path: '/admin/page',
    id: 'page',
    summary: "All that the operator's page shows: this node, and what it knows of the others.",
    parameters: {
      minutes: { in: 'query', description: 'Of the charts: 1, 15 (default) or 60.' },
      node: { in: 'query', description: 'Whose charts; by default those of all nodes together.' },
    },
    answer: pageAnswer,
    async handle({ query, headers }): Promise<AdminAnswer> {
      const minutes = minutesOf(query.get('minutes'));
      if (minutes === undefined) return problem(400, 'bad_request', { detail: 'minutes: 1, 15 or 60 is expected.' });
      return json(200, await source.answer({ minutes, of: query.get('node') ?? undefined }, { headers }));
    },
  });
