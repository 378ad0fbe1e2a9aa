import { parentPort } from 'node:worker_threads';
import { monotonicMs, random } from '../../shared/clock.ts';
import type { FromHealthThread, ToHealthThread } from '../../shared/health/messages.ts';
import { ThreadNames } from '../gateway/upstream/thread-names.ts';
import { sweep } from './sweep.ts';

/*
 * The thread that probes: it has the client that requests go through, and nothing of them. Neither a busy request thread
 * nor what a target answers can so be in the way of the other.
 */

const port = parentPort;
if (port === null) throw new Error('workers/health/main is a worker thread, started by the front');
const say = (message: FromHealthThread): void => port.postMessage(message);
const names = new ThreadNames({ post: say, nowMs: monotonicMs, random });

port.on('message', (message: ToHealthThread) => {
  if (message.type !== 'sweep') return names.receive(message);
  const { id, orders, concurrency } = message;
  void sweep(orders, { lookup: names.lookup, concurrency }).then((findings) => say({ type: 'swept', id, findings }));
});
