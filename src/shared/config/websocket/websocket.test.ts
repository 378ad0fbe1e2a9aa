import { expect, test } from 'vitest';
import { configOf, problemsOf, yamlProblemsOf } from '../test-reading.ts';
import type { WebSocketConfig } from '../types.ts';
import { parseOrigin } from './origin.ts';

const yamlOf = (websocket: string): string =>
  `upstreams: { o: { url: http://o } }\nroutes:\n  - path: /\n    upstream: o\n    websocket: ${websocket}\n`;
const websocketOf = (websocket: string, env = {}): WebSocketConfig | undefined =>
  configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yamlOf(websocket) }).routes[0]?.websocket;

const DEFAULT: WebSocketConfig = {
  maxMessageBytes: 1_048_576,
  idleMs: 300_000,
  maxMs: 0,
  pingMs: 30_000,
  origins: undefined,
  messageLimits: undefined,
  onMessageRefused: 'close',
};

test('they pass on the route that is there by itself, unless somebody says otherwise', () => {
  expect(configOf({}).routes[0]?.websocket).toEqual(DEFAULT);
  expect(configOf({ WEBSOCKET: 'off' }).routes[0]?.websocket).toBe(undefined);
  expect(configOf({ WEBSOCKET_MAX_MESSAGE_BYTES: '9' }).routes[0]?.websocket?.maxMessageBytes).toBe(9);
  expect(configOf({ WEBSOCKET_MAX_CONNECTIONS: '7' }).server.maxWebSockets).toBe(7);
});

test('a route of the file has them where it says so', () => {
  const yaml = { 'g.yaml': 'routes: [{ path: /, upstream: o }]\nupstreams: { o: { url: http://o } }' };
  expect(configOf({ GATEWAY_CONFIG: 'g.yaml' }, yaml).routes[0]?.websocket).toBe(undefined);
  expect(websocketOf('{}')).toEqual(DEFAULT);
  expect(websocketOf('{}', { WEBSOCKET: 'off', WEBSOCKET_MAX_MESSAGE_BYTES: '5' })?.maxMessageBytes).toBe(5);
  const own =
    '{ max_message_bytes: 65536, idle_seconds: 0, max_seconds: 60, ping_seconds: 0.5, origins: [https://a.example] }';
  expect(websocketOf(own)).toEqual({
    maxMessageBytes: 65_536,
    idleMs: 0,
    maxMs: 60_000,
    pingMs: 500,
    origins: ['https://a.example'],
    messageLimits: undefined,
    onMessageRefused: 'close',
  });
});

test('messages are limited as requests of the route are, one token each, and some are taken ahead', () => {
  const two =
    '{ message_limits: [{ name: msgs, capacity: 100, refill_per_second: 10 }, { name: day, capacity: 5000, refill_per_second: 1 }], on_message_refused: pause }';
  expect(websocketOf(two)).toMatchObject({
    messageLimits: {
      rules: [
        { name: 'msgs', capacity: 100, refillPerSecond: 10 },
        { name: 'day', capacity: 5_000, refillPerSecond: 1 },
      ],
      cost: 1,
      onStoreFailure: 'local',
      shadow: false,
      leaseTokens: 10,
    },
    onMessageRefused: 'pause',
  });
  const nameless = '{ message_limits: [{ capacity: 9000, refill_per_second: 10 }] }';
  expect(websocketOf(nameless)?.messageLimits).toMatchObject({ rules: [{ name: 'root-messages' }], leaseTokens: 100 });
  const env = { RATE_LIMIT_ON_STORE_FAILURE: 'closed', RATE_LIMIT_SHADOW: 'on', RATE_LIMIT_LEASE: '7' };
  expect(websocketOf(nameless, env)?.messageLimits).toMatchObject({
    onStoreFailure: 'closed',
    shadow: true,
    leaseTokens: 7,
  });
  const own = `${nameless}\n    cost: 5\n    lease: 0\n    on_store_failure: open\n    shadow: false`;
  expect(websocketOf(own, env)?.messageLimits).toMatchObject({
    cost: 1,
    onStoreFailure: 'open',
    shadow: false,
    leaseTokens: 0,
  });
});

test('which limits of messages are refused', () => {
  const limit = (capacity: number, name = 'x'): string =>
    `{ name: ${name}, capacity: ${capacity}, refill_per_second: 1 }`;
  const problems = (websocket: string, limits = 'limits: []'): readonly string[] =>
    yamlProblemsOf(`${yamlOf(websocket)}    ${limits}\n`).map((line) => line.replace(/^g.yaml:\d+: routes/, ''));
  expect(problems('{ message_limits: [] }')).toHaveLength(1);
  expect(problems(`{ message_limits: [${limit(0)}], on_message_refused: drop }`)).toEqual([
    '[0].websocket.on_message_refused: got "drop", expected one of close, pause',
  ]);
  expect(problems(`{ message_limits: [${limit(0)}], on_message_refused: pause }`)).toEqual([
    '[0].websocket.message_limits[0].capacity: got 0, expected 1 or more with on_message_refused: pause',
  ]);
  expect(problems(`{ message_limits: [${limit(1)}, ${limit(1)}] }`)).toEqual([
    '[0].websocket.message_limits[1].name: got "x", expected a name of its own; routes[0].websocket.message_limits[0] has this one',
  ]);
  expect(problems(`{ message_limits: [${limit(2)}] }`, `limits: [${limit(1)}]`)).toEqual([
    '[0].websocket.message_limits[0].name: got "x", expected another name, or the numbers of routes[0].limits[0]: limits of one name share one bucket',
  ]);
  expect(problems(`{ message_limits: [${limit(1)}] }`, `limits: [${limit(1)}]`)).toEqual([]);
});

test('what is refused, with its line', () => {
  const wrong = '{ max_message_bytes: 16777217, ping_secs: 1, origins: [https://a.example/, "*"] }';
  expect(yamlProblemsOf(yamlOf(wrong)).map((line) => line.replace(/, expected.*/, ''))).toEqual([
    'g.yaml:5: routes[0].websocket.max_message_bytes: got 16777217',
    'g.yaml:5: routes[0].websocket.ping_secs: unknown key; did you mean "ping_seconds"?',
    'g.yaml:5: routes[0].websocket.origins[0]: got "https://a.example/"',
    'g.yaml:5: routes[0].websocket.origins[1]: got "*"',
  ]);
  expect(yamlProblemsOf(yamlOf('on'))).toHaveLength(1);
  expect(
    problemsOf({ WEBSOCKET: 'yes', WEBSOCKET_MAX_MESSAGE_BYTES: '0', WEBSOCKET_MAX_CONNECTIONS: '0' }),
  ).toHaveLength(3);
});

test.each([
  ['https://app.example.com', true],
  ['http://localhost:3000', true],
  ['http://[::1]:3000', true],
  ['capacitor://localhost', true],
  ['https://app.example.com:443', false],
  ['HTTPS://app.example.com', false],
  ['https://App.example.com', false],
  ['https://app.example.com/', false],
  ['https://u@app.example.com', false],
  ['app.example.com', false],
  ['null', false],
  ['', false],
])('whether %j is an origin', (text, isOne) => {
  expect(parseOrigin(text).ok).toBe(isOne);
});
