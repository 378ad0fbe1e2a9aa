import { apiKeyHash, makeApiKey } from '../../src/shared/identity/api-key.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway, GatewayOptions } from '../support/gateway.ts';
import { answerText, recordingUpstream } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { reloadsOf } from '../support/reload.ts';
import type { RawConnection } from '../support/raw.ts';

export interface Keyed extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly upstream: RecordingUpstream;
  /** The upstream answers nothing from here on. */
  hold(): void;
  /** It answers what it has kept, and what comes. */
  release(): void;
  /** Writes another file and reloads; resolves when every thread uses it. */
  reload(rest: string): Promise<void>;
}

/** A key and what the file says of it. */
export function aKey(id = 'k1', more = ''): { readonly key: string; readonly yaml: string } {
  const key = makeApiKey();
  return { key, yaml: `{ id: ${id}, sha256: ${apiKeyHash(key)}${more} }` };
}

/** @param rest of GATEWAY_CONFIG: everything but the upstream, which is called `o` */
export async function startKeyed(rest: string, options: Omit<GatewayOptions, 'yaml'> = {}): Promise<Keyed> {
  let held: RawConnection[] | undefined;
  const upstream = await recordingUpstream((_request, connection) => {
    held?.push(connection);
    return held === undefined ? answerText() : '';
  });
  const yaml = (text: string): string => `upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" } }\n${text}`;
  const gateway = await startGateway({
    ...options,
    env: { ACCESS_LOG: 'on', ...options.env },
    yaml: yaml(rest),
  });
  const reload = reloadsOf(gateway);
  return {
    gateway,
    port: gateway.port,
    upstream,
    hold: () => void (held ??= []),
    release: () => {
      for (const connection of held ?? []) connection.send(answerText());
      held = undefined;
    },
    reload: (text) => reload(yaml(text)),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
