// Inside a container of the stack's network: a connection for every request, to any of the addresses that the name has just
// then, until SIGTERM. Prints what came of them, as JSON.
import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';

const EVERY_MS = 20; // below the rate that one client has
const resolver = new Resolver();
/** @type {Map<string, number>} */
const outcomes = new Map();
const count = (/** @type {string} */ outcome) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
let underWay = 0;

async function once() {
  underWay++;
  try {
    const addresses = await resolver.resolve4('proxy-service');
    const host = addresses[Math.floor(Math.random() * addresses.length)];
    await new Promise((resolve) => {
      const sent = request({ host, port: 5000, path: '/proxy/ok', agent: false, timeout: 10_000 }, (response) => {
        response.resume().on('end', () => resolve(count(String(response.statusCode))));
        response.on('error', () => resolve(count('cut')));
      });
      sent.on('timeout', () => sent.destroy(new Error('time-out')));
      sent.on('error', (error) => resolve(count(error.message)));
      sent.end();
    });
  } catch (error) {
    count(String(error));
  }
  underWay--;
}

const ticking = setInterval(() => void once(), EVERY_MS);
process.on('SIGTERM', () => {
  clearInterval(ticking);
  const ended = setInterval(() => {
    if (underWay > 0) return;
    clearInterval(ended);
    process.stdout.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
    process.exit(0);
  }, 50);
});
