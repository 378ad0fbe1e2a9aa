import { connectAsync } from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isInstalled, startProxy } from '../fronts/programs.ts';
import type { Proxy } from '../fronts/programs.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

/** MQTT over WebSocket: a real client, a real broker, and the gateway between them. */

/** With a second listener: Debian's version does not start with one for WebSockets alone. */
const configOf = (port: number, folder: string): string =>
  `listener 0 ${folder}/socket\nlistener ${port} 127.0.0.1\nprotocol websockets\n` +
  'allow_anonymous true\npersistence false\nuser root\nlog_type none\n';

let broker: Proxy;
let gateway: Gateway;
beforeAll(async () => {
  if (!isInstalled('mosquitto')) {
    throw new Error('mosquitto is not on this machine; install it: sudo apt-get install mosquitto (Debian)');
  }
  broker = await startProxy('mosquitto', (file) => ['-c', file], configOf);
  const route = (path: string, more = ''): string =>
    `  - { path: ${path}, upstream: broker, websocket: { ${more} } }\n`;
  gateway = await startGateway({
    env: { ACCESS_LOG: 'on', DRAIN_TIMEOUT_SECONDS: '1' },
    yaml:
      `upstreams: { broker: { url: "${broker.url}" } }\nroutes:\n${route('/mqtt')}` +
      route('/few', 'message_limits: [{ name: few, capacity: 60, refill_per_second: 0.001 }]') +
      route(
        '/slow',
        'message_limits: [{ name: slow, capacity: 10, refill_per_second: 200 }], on_message_refused: pause',
      ),
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

const client = (path: string, options: IClientOptions = {}): Promise<MqttClient> =>
  connectAsync(`ws://127.0.0.1:${gateway.port}${path}`, { reconnectPeriod: 0, connectTimeout: 60_000, ...options });

interface Got {
  readonly topic: string;
  readonly payload: Buffer;
}

/** A client that keeps what comes on a topic. */
async function subscriber(
  topic: string,
  qos: 0 | 1 | 2,
): Promise<{ readonly client: MqttClient; readonly got: Got[] }> {
  const subscribed = await client('/mqtt');
  const got: Got[] = [];
  subscribed.on('message', (of, payload) => void got.push({ topic: of, payload }));
  await subscribed.subscribeAsync(topic, { qos });
  return { client: subscribed, got };
}

test.each([0, 1, 2] as const)('what a device publishes with QoS %d arrives, whole and in order', async (qos) => {
  const { client: reader, got } = await subscriber(`sensors/${qos}/#`, qos);
  const device = await client('/mqtt', { protocolVersion: qos === 2 ? 5 : 4 });
  const payloads = Array.from({ length: 40 }, (_, i) => Buffer.alloc(1 + i * 397, i));
  // A broker takes only so many at a time with an answer to come.
  for (const [i, payload] of payloads.entries()) await device.publishAsync(`sensors/${qos}/${i}`, payload, { qos });
  await device.publishAsync(`sensors/${qos}/large`, Buffer.alloc(300_000, 7), { qos });
  await until(() => got.length === 41, { describe: () => got.length });
  expect(got.slice(0, 40).map(({ topic }) => topic)).toEqual(payloads.map((_, i) => `sensors/${qos}/${i}`));
  expect(got.slice(0, 40).every(({ payload }, i) => payload.equals(payloads[i] as Buffer))).toBe(true);
  expect(got[40]?.payload.length).toBe(300_000);
  await Promise.all([device.endAsync(), reader.endAsync()]);
});

test('a device whose connection is lost is told of by its last will', async () => {
  const { client: reader, got } = await subscriber('wills/#', 1);
  const will = { topic: 'wills/one', payload: Buffer.from('lost'), qos: 1 as const, retain: false };
  const device = await client('/mqtt', { will, keepalive: 600 });
  device.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => void device.once('close', resolve));
  device.stream.destroy();
  await gone;
  await until(() => got.length === 1);
  expect(got[0]).toEqual({ topic: 'wills/one', payload: Buffer.from('lost') });
  await reader.endAsync();
});

test('a device that says too much is cut off, or waits for its turn', async () => {
  const { client: reader, got } = await subscriber('limited/#', 0);
  const flood = await client('/few');
  flood.on('error', () => undefined);
  const cut = new Promise<void>((resolve) => void flood.once('close', resolve));
  // The client writes a packet in several messages, so how many get through is its own affair.
  void (async () => {
    for (let i = 0; i < 50; i++) await flood.publishAsync('limited/few', `${i}`, { qos: 1 });
  })().catch(() => undefined);
  await cut;
  const line = await gateway.waitForLog(({ route, outcome }) => route === 'few' && outcome === 'websocket');
  expect(line).toMatchObject({ closed_by: 'gateway', close_code: 1008 });
  const slow = await client('/slow');
  for (let i = 0; i < 40; i++) await slow.publishAsync('limited/slow', `${i}`, { qos: 1 });
  const ofSlow = (): string[] =>
    got.filter(({ topic }) => topic === 'limited/slow').map(({ payload }) => payload.toString());
  await until(() => ofSlow().length === 40, { describe: () => ofSlow().length });
  expect(ofSlow()).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
  const ofFew = got.filter(({ topic }) => topic === 'limited/few').length;
  expect([ofFew > 0, ofFew < 50]).toEqual([true, true]);
  await Promise.all([slow.endAsync(), reader.endAsync()]);
});
