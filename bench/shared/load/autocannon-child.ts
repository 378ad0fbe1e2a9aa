/**
 * One autocannon run in a process of its own, closed loop. Through its API and not its command line, because `--json`
 * knows latencies in whole milliseconds only, and a proxy answers within one.
 * Argument: the plan as JSON. Goes when the parent goes.
 */
import autocannon from 'autocannon';
import type { Client, Request } from 'autocannon';
import { goWithParent } from '../go-with-parent.ts';
import type { LoadPlan, LoadRequest } from './plan.ts';
import { Tally } from './tally.ts';
import { tell } from './tell.ts';

const SAMPLE_MS = 100;
const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;

function requestOf({ method, headers = {}, requestBody }: LoadRequest): Request {
  const { Connection: _, ...fields } = headers; // it sends one with keep-alive itself
  return { method, headers: fields, ...(requestBody !== undefined && { body: requestBody }) };
}

/** Each connection has its share of the values, so that together they send every one of them. */
function rotating(request: LoadRequest): (client: Client) => void {
  const { header, count } = request.rotated ?? { header: '', count: 0 };
  const share = Math.ceil(count / plan.connections);
  let connection = 0;
  return (client) => {
    const first = (connection++ * share) % count;
    const requests = Array.from({ length: share }, (_, i) => {
      const plain = requestOf(request);
      return { ...plain, headers: { ...plain.headers, [header]: `client-${((first + i) % count) + 1}` } };
    });
    client.setRequests(requests);
  };
}

let tally: Tally;
const { request, url, moreUrls = [], connections, seconds } = plan;
const run = autocannon(
  {
    url: [url, ...moreUrls],
    connections,
    duration: seconds,
    sampleInt: SAMPLE_MS,
    pipelining: request.pipelined ?? 1,
    requests: [requestOf(request)],
    ...(request.rotated !== undefined && { setupClient: rotating(request) }),
  },
  (error) => {
    if (error !== null) throw error;
    tell({ type: 'result', result: tally.result(performance.now()) }, () => process.exit(0));
  },
);
tally = new Tally(plan, performance.now());
run.on('start', () => tell({ type: 'started' }));
run.on('response', (...[, status, , latencyMs]: [unknown, number, number, number]) =>
  tally.answered(status, latencyMs, performance.now()),
);
run.on('reqError', () => tally.failed(performance.now()));
goWithParent();
