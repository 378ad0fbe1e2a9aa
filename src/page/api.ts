/** What the admin port refuses, or cannot be asked. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** What of the body is wrong, by its member. */
  readonly errors: readonly { readonly path: string; readonly expected: string }[];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `The gateway answers ${status}.`);
    this.status = status;
    this.code = problem.code ?? '';
    this.errors = problem.errors ?? [];
  }
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors: Refusal['errors'];
}

const WITHIN_MS = 8_000;
/** All nodes are asked about a version of the configuration, and one may be silent for 10 s. */
const CHANGE_WITHIN_MS = 15_000;

/** One call. Changes go with the field that the gateway wants of its page. @throws {Refusal} */
export async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const isChange = method !== 'GET';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal: AbortSignal.timeout(isChange ? CHANGE_WITHIN_MS : WITHIN_MS),
      headers: {
        accept: 'application/json',
        ...(isChange ? { 'x-gateway-page': '1' } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Refusal(0, { code: 'unreachable', detail: 'The admin port does not answer.' });
  }
  const answer = (await response.json().catch(() => ({}))) as unknown;
  if (!response.ok) throw new Refusal(response.status, answer as Partial<Problem>);
  return answer as Answer;
}

/** A name as one segment of a path. */
export const segment = (name: string): string => encodeURIComponent(name);
