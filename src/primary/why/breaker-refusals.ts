import { clientIdOf } from '../../shared/breaker/client-id.ts';
import { upstreamsOf } from '../../shared/config/split/resolve.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import { consumerClient } from '../../shared/limits/client-key.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../shared/limits/ip-client.ts';
import type { BreakerView } from '../breaker/view.ts';
import type { KnownConsumer } from './known-consumer.ts';
import { upTo, word } from './reason.ts';
import type { Reason } from './reason.ts';

/** Who asks, as breakers tell clients apart. */
interface Asker {
  readonly consumer: KnownConsumer | undefined;
  readonly address: string | undefined;
  readonly breakers: readonly BreakerView[];
}

type Said = Pick<Reason, 'certain' | 'why' | 'retryAfterSeconds'>;

/** Whether the upstreams of a route are called for it. */
export function byBreaker(route: RouteConfig, asker: Asker): readonly Reason[] {
  const upstreams = upstreamsOf(route);
  return upstreams.flatMap((upstream): readonly Reason[] => {
    const view = asker.breakers.find((each) => each.upstream === upstream);
    const said = view === undefined ? undefined : saidBy(view, nameIn(route, asker));
    if (said === undefined) return [];
    const isOnly = upstreams.length === 1;
    const why = isOnly
      ? said.why
      : `${said.why}; others of the route go to ${upstreams.filter((u) => u !== upstream).join(', ')}`;
    const certain = said.certain && isOnly;
    return [{ code: 'circuit_open', ...said, certain, why, todo: todoOf(view as BreakerView) }];
  });
}

/** Whether somebody can be asked if it may pass. */
export function byAuthorizer(route: RouteConfig, asker: Asker): readonly Reason[] {
  const { authorization } = route;
  if (authorization === undefined || authorization.onFailure === 'open') return [];
  const view = asker.breakers.find(({ upstream }) => upstream === authorization.upstream);
  const said = view === undefined ? undefined : saidBy(view, nameIn(route, asker));
  if (said === undefined) return [];
  const why = `its authorizer is not asked: ${said.why}; answers that are still known hold`;
  const todo = `Mend the authorizer. ${todoOf(view as BreakerView)}`;
  return [{ code: 'authorizer_unavailable', ...said, certain: said.certain && authorization.cacheMs === 0, why, todo }];
}

/** On a route that asks who calls a consumer is itself, on others only an address. */
const nameIn = ({ authentication }: RouteConfig, { consumer, address }: Asker): string | undefined =>
  authentication === undefined || consumer === undefined ? address : consumerClient(consumer.name);

function saidBy(view: BreakerView, client: string | undefined): Said | undefined {
  const { forced, mode, openForMs, oneClient, reason, state, upstream } = view;
  if (mode !== 'on' || state === 'CLOSED') return undefined;
  const of = `the circuit breaker of ${upstream}`;
  const retryAfterSeconds = Math.max(1, upTo(openForMs));
  if (forced?.state === 'OPEN') {
    const forSeconds = upTo(forced.remainingMs);
    return { certain: true, why: `${of} is held open by an operator`, retryAfterSeconds: forSeconds };
  }
  const because = reason === '' ? '' : ` (${reason})`;
  const isCulprit =
    client === undefined ? undefined : clientIdOf(client, new IpClients(CUSTOMER_PREFIX_BITS)).text === view.culprit;
  if (oneClient && isCulprit === false) return undefined; // all others pass
  const whose = !oneClient
    ? ''
    : isCulprit === true
      ? ' for this client alone'
      : ' for one client, whom nobody has named here';
  const certain = isCulprit === true || !oneClient;
  if (state === 'OPEN')
    return {
      certain,
      why: `${of} is open${whose}${because}; its next probe is in ${retryAfterSeconds} s`,
      retryAfterSeconds,
    };
  const why = `${of} is half open${whose}${because}: a request passes where it can be one of the few probes, as this one may`;
  return { certain: false, why, retryAfterSeconds };
}

const todoOf = ({ forced, upstream }: BreakerView): string =>
  forced?.state === 'OPEN'
    ? `"gateway breaker auto ${word(upstream)}" ends that.`
    : `"gateway events --type breaker" says why; "gateway breaker close ${word(upstream)} --for 5m" lets all pass.`;
