import type { PageAnswer } from '../shared/admin/page.ts';
import { el } from './dom.ts';
import type { Child } from './dom.ts';
import { bytes, duration, figure, latency, percent, secondsBetween } from './format.ts';
import { fill, note } from './panels.ts';
import { badge, empty, facts, level, outside, table } from './parts.ts';
import type { Row } from './parts.ts';

/** What the gateway stands on: Redis, the other nodes, its threads. */

/** Redis: whether it answers, how fast, how full. */
export function showRedis({ status, redis }: PageAnswer): void {
  const { configured, state, reason } = status.redis;
  note('redis', []);
  if (!configured) {
    return fill('redis', [
      empty(
        `No Redis: this node stands alone, and limits and breakers are its own${reason === '' ? '' : ` (${reason})`}.`,
      ),
    ]);
  }
  const silent = redis.connections.filter(({ up }) => !up);
  const servers = redis.servers.map(({ node, up, usedBytes, maxBytes, answerMs }): readonly [string, Child[]] => [
    node === '' ? 'Memory' : node,
    up
      ? [
          usedBytes !== null && maxBytes !== null && maxBytes > 0 ? level(usedBytes / maxBytes, 'Memory in use') : null,
          el('span', {}, `${bytes(usedBytes)} of ${bytes(maxBytes)}`),
          answerMs === null ? null : el('span', { class: 'faint' }, `answers in ${latency(answerMs / 1000)}`),
        ]
      : [badge('bad', 'does not answer')],
  ]);
  fill('redis', [
    facts([
      ['Mode', status.redis.mode === null ? '–' : status.redis.mode],
      [
        'State',
        [
          badge(state === 'up' ? 'good' : 'bad', state === 'up' ? 'Answers' : 'Away'),
          reason === '' ? null : outside(reason),
        ],
      ],
      ...servers,
      [
        'Connections',
        silent.length === 0
          ? `all ${redis.connections.length} are up`
          : silent.map(({ purpose }) => badge('bad', purpose)),
      ],
    ]),
  ]);
}

const NODES = [
  { title: 'Node' },
  { title: 'State' },
  { title: 'Req/s', right: true },
  { title: '5xx/s', right: true },
  { title: '429/s', right: true },
  { title: 'p99', right: true },
  { title: 'In flight', right: true },
  { title: 'Loop', right: true },
  { title: 'Heap', right: true },
  { title: 'Threads', right: true },
  { title: 'Restarts', right: true },
  { title: 'Up', right: true },
  { title: 'Version' },
];

const THREADS = [
  { title: 'Thread' },
  { title: 'State' },
  { title: 'In flight', right: true },
  { title: 'Connections', right: true },
  { title: 'Loop', right: true },
  { title: 'Refuses', right: true },
  { title: 'Heap', right: true },
  { title: 'Last beat', right: true },
];

const VERDICTS = {
  ok: ['warn', 'Not all well'],
  degraded: ['bad', 'Degraded'],
  draining: ['warn', 'Draining'],
} as const;

function stateOf(vitals: PageAnswer['nodes']['nodes'][number]['vitals']): HTMLElement {
  if (vitals === undefined) return badge('idle', 'Does not say');
  if (vitals.verdict === 'ok' && vitals.reasons.length === 0) return badge('good', 'Well');
  const [tone, word] = VERDICTS[vitals.verdict];
  return badge(tone, word);
}

function nodeRow(node: PageAnswer['nodes']['nodes'][number], answer: PageAnswer): Row {
  const { name, self, vitals, version, startedAt, threads, jobsOnly, lastBeatMsAgo } = node;
  const own = answer.nodes.nodes.find((each) => each.self);
  const comparable = !jobsOnly && own?.jobsOnly === false;
  const differs =
    comparable && own.vitals !== undefined && vitals !== undefined && vitals.configDigest !== own.vitals.configDigest;
  const state = stateOf(vitals);
  const silent = lastBeatMsAgo > 2_500 ? badge('warn', `silent for ${duration(lastBeatMsAgo / 1000)}`) : null;
  return {
    key: name,
    cells: [
      [
        outside(name),
        self ? el('span', { class: 'detail' }, 'this one') : null,
        jobsOnly ? el('span', { class: 'detail' }, 'jobs only') : null,
      ],
      [state, silent],
      figure(vitals?.requests),
      figure(vitals?.errors5xx),
      figure(vitals?.refused429),
      latency(vitals?.p99),
      figure(vitals?.inFlight),
      percent(vitals?.loop),
      bytes(vitals?.heapBytes),
      vitals === undefined ? String(threads) : `${vitals.threadsServing} of ${threads}`,
      figure(vitals?.threadRestarts),
      startedAt === '' ? '–' : duration(secondsBetween(startedAt, answer.at)),
      [
        own !== undefined && own.version !== version ? badge('bad', version) : outside(version),
        differs ? badge('bad', 'other configuration') : null,
      ],
    ],
  };
}

/** Every node that lives, and the threads of this one. */
export function showNodes(answer: PageAnswer): void {
  const { nodes, status, memory, node } = answer;
  const many = nodes.nodes.length > 1 ? `${nodes.nodes.length} nodes` : '1 node';
  note('nodes', [
    nodes.scope === 'cluster' ? many : status.redis.configured ? `${many}, as last heard of` : 'this node stands alone',
  ]);
  const heapOf = (slot: number): number | undefined => memory.threads.find((each) => each.slot === slot)?.heapBytes;
  const front: Row = {
    key: 'front',
    cells: [
      'front',
      badge('good', status.front),
      '–',
      '–',
      percent(memory.frontLoop),
      '–',
      bytes(memory.frontHeapBytes),
      '–',
    ],
  };
  const threads = status.threads.map(
    ({ slot, state, inFlight, openConnections, loopUtilisation, shedPercent, lastBeatMsAgo }): Row => ({
      key: String(slot),
      cells: [
        `thread ${slot}`,
        badge(state === 'serving' ? 'good' : state === 'starting' || state === 'leaving' ? 'warn' : 'bad', state),
        figure(inFlight),
        figure(openConnections),
        percent(loopUtilisation),
        shedPercent > 0 ? badge('bad', percent(shedPercent / 100)) : percent(0),
        bytes(heapOf(slot)),
        latency(lastBeatMsAgo / 1000),
      ],
    }),
  );
  fill('nodes', [
    table(
      'Nodes',
      NODES,
      nodes.nodes.map((each) => nodeRow(each, answer)),
    ),
    el('h3', {}, [
      'Threads of ',
      outside(node),
      el('span', { class: 'faint' }, ` · ${bytes(memory.rssBytes)} resident`),
    ]),
    table('Threads of this node', THREADS, [front, ...threads]),
  ]);
}
