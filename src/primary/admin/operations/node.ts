import { nodesAnswer, statusAnswer } from '../../../shared/admin/status.ts';
import type { NodesAnswer } from '../../../shared/admin/status.ts';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';
import { nodeStatus } from './node-status.ts';
import type { StatusParts } from './node-status.ts';

/** How this node and the others are. */
export const nodeOperations = (status: StatusParts, listNodes: () => Promise<NodesAnswer>): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/status',
    id: 'status',
    summary: 'How this node is, and why.',
    answer: statusAnswer,
    handle: () => json(200, nodeStatus(status)),
  }),
  operation({
    method: 'GET',
    path: '/admin/nodes',
    id: 'nodes',
    summary:
      'Nodes that share the Redis; scope node: those last heard of, because Redis cannot be asked or there is none.',
    answer: nodesAnswer,
    handle: async () => json(200, await listNodes()),
  }),
];
