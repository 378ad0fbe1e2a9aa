import { expect, test } from 'vitest';
import { clientIdOf } from '../../shared/breaker/client-id.ts';
import { read } from '../../shared/config/test-reading.ts';
import { consumerClient } from '../../shared/limits/client-key.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../shared/limits/ip-client.ts';
import type { BreakerView } from '../breaker/view.ts';
import { byAuthorizer, byBreaker } from './breaker-refusals.ts';
import { knownConsumer } from './known-consumer.ts';

const YAML = `
upstreams: { o: { url: "http://127.0.0.1:9" }, p: { url: "http://127.0.0.1:8" } }
routes:
  - { name: plain, path: /plain, upstream: o }
  - { name: keys, path: /keys, upstream: o, authenticate: [api_key] }
  - { name: divided, path: /divided, split: [{ upstream: o, weight: 50 }, { upstream: p, weight: 50 }] }
  - { name: asks, path: /asks, upstream: p, authorize: { upstream: o, path: /check, cache_seconds: 0 } }
  - { name: keeps, path: /keeps, upstream: p, authorize: { upstream: o, path: /check } }
  - { name: lax, path: /lax, upstream: p, authorize: { upstream: o, path: /check, on_failure: open } }
  - { name: fixed, path: /fixed, respond: { text: x } }
`;
const result = read({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': YAML });
if (!result.ok) throw new Error(JSON.stringify(result));
const { config } = result;
const routeOf = (name: string) => {
  const route = config.routes.find((each) => each.name === name);
  if (route === undefined) throw new Error(name);
  return route;
};

const OPEN: BreakerView = {
  upstream: 'o',
  mode: 'on',
  state: 'OPEN',
  oneClient: false,
  culprit: '',
  scope: 'node',
  epoch: 1,
  failures: 5,
  reason: 'consecutive_failures',
  openForMs: 1_500,
  refused: 0,
  quiet: false,
  forced: undefined,
};
const narrowFor = (client: string): Partial<BreakerView> => ({
  oneClient: true,
  culprit: clientIdOf(client, new IpClients(CUSTOMER_PREFIX_BITS)).text,
});

interface Who {
  readonly address?: string;
  readonly consumer?: string;
}
/** Of each reason; `?` = it depends. */
function told(route: string, view: Partial<BreakerView>, { address, consumer }: Who = {}): readonly string[] {
  const asker = {
    address,
    consumer: consumer === undefined ? undefined : knownConsumer(config.identities, consumer, 0),
    breakers: [{ ...OPEN, ...view }],
  };
  return [...byAuthorizer(routeOf(route), asker), ...byBreaker(routeOf(route), asker)].map(
    ({ certain, code, retryAfterSeconds }) => `${code}${certain ? '' : '?'} ${retryAfterSeconds}`,
  );
}

test.each<[string, string, Partial<BreakerView>, readonly string[]]>([
  ['open', 'plain', {}, ['circuit_open 2']],
  ['open for a moment', 'plain', { openForMs: 0 }, ['circuit_open 1']],
  ['closed', 'plain', { state: 'CLOSED' }, []],
  ['half open', 'plain', { state: 'HALF_OPEN', openForMs: 0 }, ['circuit_open? 1']],
  ['in shadow', 'plain', { mode: 'shadow' }, []],
  ['of another upstream', 'plain', { upstream: 'p' }, []],
  ['held', 'plain', { openForMs: 0, forced: { state: 'OPEN', remainingMs: 9_001 } }, ['circuit_open 10']],
  ['of one side', 'divided', {}, ['circuit_open? 2']],
  ['of the authorizer', 'asks', {}, ['authorizer_unavailable 2']],
  ['of the authorizer, whose answers are kept', 'keeps', {}, ['authorizer_unavailable? 2']],
  ['of an authorizer that one does without', 'lax', {}, []],
  ['of nobody: the route answers itself', 'fixed', {}, []],
])('a breaker that is %s', (_what, ...[route, view, reasons]) => expect(told(route, view)).toEqual(reasons));

test('one for a single client is so for that client, by its consumer where the route asks, else by its address', () => {
  const byAddress = narrowFor('192.0.2.1');
  expect(told('plain', byAddress, { address: '192.0.2.1' })).toEqual(['circuit_open 2']);
  expect(told('plain', byAddress, { address: '192.0.2.2' })).toEqual([]);
  expect(told('plain', byAddress, { consumer: 'acme' })).toEqual(['circuit_open? 2']);
  const byConsumer = narrowFor(consumerClient('acme'));
  expect(told('keys', byConsumer, { consumer: 'acme', address: '192.0.2.1' })).toEqual(['circuit_open 2']);
  expect(told('keys', byConsumer, { consumer: 'other', address: '192.0.2.1' })).toEqual([]);
  expect(told('keys', { ...byConsumer, state: 'HALF_OPEN' }, { consumer: 'acme' })).toEqual(['circuit_open? 2']);
  expect(told('plain', narrowFor('2001:db8::1'), { address: '2001:db8::2' })).toEqual(['circuit_open 2']);
});
