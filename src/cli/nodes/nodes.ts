import { nodesAnswer } from '../../shared/admin/status.ts';
import type { NodesAnswer } from '../../shared/admin/status.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { EXIT } from '../exit-codes.ts';
import { duration, milliseconds } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const NODE_COLUMNS = [
  { title: 'NODE' },
  { title: 'VERSION' },
  { title: 'ADDRESS' },
  { title: 'THREADS', right: true },
  { title: 'UP', right: true },
  { title: 'LAST BEAT', right: true },
  { title: '' },
];

/** @param nowMs milliseconds since the Unix epoch, for how long a node has been up */
export function nodeTable({ nodes, scope }: NodesAnswer, nowMs: number): readonly Line[] {
  const rows = nodes.map((node) => {
    const startedMs = Date.parse(node.startedAt);
    return [
      node.name,
      node.version,
      node.jobsOnly ? span('jobs only', 'faint') : node.address,
      node.threads,
      Number.isNaN(startedMs) ? '' : duration(Math.max(0, Math.round((nowMs - startedMs) / 1000))),
      milliseconds(node.lastBeatMsAgo),
      node.self ? span('this one', 'faint') : '',
    ];
  });
  const alone = 'Only this node: it has no Redis, or cannot reach it.';
  return [...table(NODE_COLUMNS, rows), ...(scope === 'node' ? [[span(alone, 'faint')]] : [])];
}

/** `gateway nodes` */
export async function nodes(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/nodes', answer: nodesAnswer });
  show(context, json, nodeTable(value, wallClockMs()));
  return EXIT.ok;
}
