import { startGateway } from './gateway.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { answerText, recordingUpstream } from './http.ts';
import type { Message, RecordingUpstream } from './http.ts';
import type { RawConnection } from './raw.ts';

export type AnswerBytes = (request: Message, connection: RawConnection) => string;

/** For tests of forwarding alone: neither limits nor breakers have a say, and no answer carries their fields. */
export const FORWARDING_ONLY = {
  RATE_LIMIT_ALLOWLIST: '127.0.0.1',
  RATE_LIMIT_HEADERS: 'off',
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: '4000',
  CIRCUIT_BREAKER_ERROR_RATE: '0',
} as const;

/** A gateway with one raw upstream behind `/proxy`. */
export interface Pair extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly upstream: RecordingUpstream;
  /** What the upstream sends by the path it is asked for; an empty 200 for every other path. */
  readonly answers: Map<string, AnswerBytes>;
  /** The requests that came for the path (as the upstream sees it, without query). */
  requestsFor(path: string): Message[];
}

const pathOf = (request: Message): string => (request.startLine.split(' ')[1] ?? '').replace(/\?.*/, '');

export async function startPair(options: GatewayOptions & { yaml?: never } = {}): Promise<Pair> {
  const answers = new Map<string, AnswerBytes>();
  const upstream = await recordingUpstream((request, connection) => {
    const answer = answers.get(pathOf(request));
    return answer === undefined ? answerText() : answer(request, connection);
  });
  const env = {
    UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
    ACCESS_LOG: 'off',
    ...FORWARDING_ONLY,
    ...options.env,
  };
  const gateway = await startGateway({ ...options, env });
  return {
    gateway,
    port: gateway.port,
    upstream,
    answers,
    requestsFor: (path) => upstream.requests.filter((request) => pathOf(request) === path),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
