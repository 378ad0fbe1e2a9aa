// Beside nginx, in the engine's network: an upstream that counts how often each request came, and from SIGUSR2 on requests over kept
// connections, half of them POSTs, until SIGTERM. Then it prints what came of them, as JSON.
//   node restart-load.mjs URL PORT-OF-THE-UPSTREAM REQUESTS-A-SECOND
// Not autocannon: that writes on to a connection whose last answer said `Connection: close`, as nginx does after each 1,000 requests,
// and loses what it wrote there: in silence as a rule, as an error when the two meet (12 of 315,000 with nothing but nginx behind).
import { Agent, createServer, request } from 'node:http';
import { setTimeout as rest } from 'node:timers/promises';

const [url = '', port = '', rate = ''] = process.argv.slice(2);
const CLIENTS = 16;
const BODY = Buffer.alloc(1_024, 'b');
const PACE_MS = (CLIENTS * 1_000) / Number(rate);

/** How often each request came whole. @type {Map<string, number>} */
const arrivals = new Map();
const upstream = createServer((req, res) => {
  const number = String(req.headers['x-number']);
  let bytes = 0;
  req.on('data', (/** @type {Buffer} */ data) => (bytes += data.length));
  req.once('end', () => {
    if (number !== 'undefined') arrivals.set(number, (arrivals.get(number) ?? 0) + 1);
    res.end(`${JSON.stringify({ bytes })}\n`); // as test-endpoints.sh wants it
  });
}).listen(Number(port), '0.0.0.0');

/**
 * @param {Agent} agent
 * @param {number} number
 * @returns {Promise<string>} the status, or what went wrong
 */
const send = (agent, number) =>
  new Promise((resolve) => {
    const body = number % 2 === 0 ? BODY : undefined;
    const headers = { 'x-number': number, ...(body === undefined ? {} : { 'content-length': body.length }) };
    const sent = request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST', timeout: 30_000 });
    sent.on('timeout', () => sent.destroy(new Error('time-out')));
    sent.on('error', (error) => resolve(String(error)));
    sent.on('response', (response) => {
      response.resume();
      response.on('error', (error) => resolve(String(error)));
      response.on('end', () => resolve(String(response.statusCode)));
    });
    sent.end(body);
  });

let running = true;
let next = 0;
let answered = 0;
let slowestMs = 0;
/** @type {string[]} */
const failures = [];

async function client() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let dueMs = performance.now() + Math.random() * PACE_MS;
  while (running) {
    await rest(Math.max(0, dueMs - performance.now()));
    dueMs = Math.max(dueMs + PACE_MS, performance.now() - 1_000);
    const number = ++next;
    const startMs = performance.now();
    const end = await send(agent, number);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    if (end === '200') answered++;
    else failures.push(`${new Date().toISOString()} ${number % 2 === 0 ? 'POST' : 'GET'} ${number}: ${end}`);
  }
  agent.destroy();
}

/** @type {Promise<void>[]} */
let clients = [];
process.once('SIGUSR2', () => (clients = Array.from({ length: CLIENTS }, client)));

async function end() {
  running = false;
  await Promise.all(clients);
  const twice = [...arrivals].filter(([, times]) => times > 1).map(([number]) => Number(number));
  const summary = { answered, arrived: arrivals.size, twice, slowestMs: Math.round(slowestMs), failures };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  upstream.close();
  upstream.closeAllConnections();
}
process.once('SIGTERM', () => void end());
