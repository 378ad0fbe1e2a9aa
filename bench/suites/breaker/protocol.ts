/** How the upstream answers from now on. */
export interface AnswerMode {
  readonly status: number;
  readonly delayMs: number;
}

/** One call as the upstream saw it, in milliseconds since the epoch; status 0 = the caller went away. */
export interface Call {
  readonly startMs: number;
  readonly endMs: number;
  readonly status: number;
}

export type ToUpstream = { readonly type: 'answer'; readonly mode: AnswerMode } | { readonly type: 'tell' };

/** `ready` once, then one answer for each message, of the same type; `atMs` is since the epoch. */
export type FromUpstream =
  | { readonly type: 'ready'; readonly atMs: number }
  | { readonly type: 'answer'; readonly atMs: number }
  | { readonly type: 'tell'; readonly calls: readonly Call[] };
