/** What becomes of a request whose authorizer says nothing of it. */
export type OnAuthorizerFailure = 'closed' | 'open';

/** What of a question, beside the fields it forwards, may tell answers apart. */
export const QUESTION_PARTS = ['method', 'host', 'path', 'uri', 'address', 'consumer'] as const;
export type QuestionPart = (typeof QUESTION_PARTS)[number];

/** Whom a route asks whether a request may pass. */
export interface RouteAuthorizationConfig {
  /** Name of the upstream that is asked. */
  readonly upstream: string;
  /** Path, and query if it has one, behind the base path of the upstream's target. */
  readonly target: string;
  /** Lower-case names of the request's fields that it is told. */
  readonly forward: readonly string[];
  /** Lower-case names of the fields of its answer that the route's upstream is told. */
  readonly copy: readonly string[];
  /** For one question, from the wish for a connection to the end of the answer. */
  readonly timeoutMs: number;
  /** How long a yes holds; 0 = for the one request. */
  readonly cacheMs: number;
  /** The same for a no. */
  readonly negativeCacheMs: number;
  /** What an answer holds for: requests that are equal in these; `undefined` = in all that it was told. */
  readonly cacheBy: { readonly fields: readonly string[]; readonly parts: readonly QuestionPart[] } | undefined;
  readonly onFailure: OnAuthorizerFailure;
}
