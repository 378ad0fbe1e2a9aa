/** The request that is sent again and again. */
export interface LoadRequest {
  /** Names the generated script. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly requestBody: string | undefined;
  /** A field with another value in every request, `count` values in turn; wrk only. */
  readonly rotated?: { readonly header: string; readonly count: number };
  /** Statuses other than 2xx are what the run is for: counted, and no problem; wrk only. */
  readonly countStatuses?: boolean;
}

const DONE = `
local thread
setup = function(t) thread = t end
done = function(summary, latency)
  local e, counts = summary.errors, {}
  for status, count in pairs(thread:get("statuses") or {}) do
    counts[#counts + 1] = string.format('"%d":%d', status, count)
  end
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"statuses":{%s}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
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

/** The Lua script that makes wrk (one thread) send this request and print a RESULT line at the end. */
export function wrkScript({ method, requestBody, rotated, countStatuses }: LoadRequest): string {
  const parts = [`wrk.method = "${method}"\n`];
  if (requestBody !== undefined) parts.push(`wrk.body = "${requestBody}"\n`);
  if (rotated !== undefined) parts.push(rotation(rotated));
  if (countStatuses === true) parts.push(STATUSES);
  return [...parts, DONE].join('');
}
