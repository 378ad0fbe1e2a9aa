import type { LoadRequest } from './plan.ts';

const DONE = `
local thread
setup = function(t) thread = t end
done = function(summary, latency)
  local e, counts = summary.errors, {}
  for status, count in pairs(thread:get("statuses") or {}) do
    counts[#counts + 1] = string.format('"%d":%d', status, count)
  end
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"statuses":{%s}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max,
    e.connect, e.read, e.write, e.status, e.timeout, table.concat(counts, ",")))
end
`;

// Global, because `done` runs in another Lua state and reads it through the thread.
const STATUSES = `
statuses = {}
response = function(status) statuses[status] = (statuses[status] or 0) + 1 end
`;

/** Requests are formatted once, before the run: wrk then only picks the next. */
const rotation = ({ header, count }: { header: string; count: number }): string => `
local requests, last = {}, 0
init = function()
  for i = 1, ${count} do
    wrk.headers["${header}"] = "client-" .. i
    requests[i] = wrk.format()
  end
end
request = function()
  last = last % ${count} + 1
  return requests[last]
end
`;

/** wrk counts the requests in what it is given, and every answer; it sends the next batch when the last is answered whole. */
const batch = (count: number): string => `
local requests
init = function()
  requests = wrk.format():rep(${count})
end
request = function()
  return requests
end
`;

/** The Lua script that makes wrk (one thread) send this request and print a RESULT line at the end. */
export function wrkScript({ method, headers = {}, requestBody, ...more }: LoadRequest): string {
  const { rotated, pipelined, countStatuses } = more;
  const parts = [`wrk.method = "${method}"\n`];
  for (const [name, value] of Object.entries(headers))
    parts.push(`wrk.headers["${name}"] = ${JSON.stringify(value)}\n`);
  if (requestBody !== undefined) parts.push(`wrk.body = "${requestBody}"\n`);
  if (rotated !== undefined) parts.push(rotation(rotated));
  if (pipelined !== undefined) parts.push(batch(pipelined));
  if (countStatuses === true) parts.push(STATUSES);
  return [...parts, DONE].join('');
}
