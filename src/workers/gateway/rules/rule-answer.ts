import type { RouteAnswerConfig } from '../../../shared/config/rules/types.ts';
import type { LocalAnswer } from '../exchange/local-answer.ts';

/** What the gateway answers itself. */
export interface RuleAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Lines of its own, each with its CRLF. @param target path and query, as an upstream would get them */
  fieldsFor(target: string): string;
}

export const compileAnswer = (config: RouteAnswerConfig): RuleAnswer =>
  config.kind === 'redirect'
    ? {
        status: config.status,
        type: '',
        text: '',
        fieldsFor: (target) => `location: ${locationOf(config, target)}\r\n`,
      }
    : { status: config.status, type: config.type, text: config.text, fieldsFor: () => '' };

/** As it goes to the client. */
export const localAnswerOf = ({ status, type, text }: RuleAnswer, close: boolean): LocalAnswer => ({
  status,
  type,
  text,
  close,
  allow: undefined,
  retryAfterSeconds: undefined,
});

/** The query always goes along; a fragment of `to` stays its end. */
function locationOf({ to, keepPath }: { readonly to: string; readonly keepPath: boolean }, target: string): string {
  if (keepPath) {
    const location = to + target;
    // A path that starts with // would be another host's.
    return location.startsWith('//') ? `/${location.replace(/^\/+/, '')}` : location;
  }
  const query = target.indexOf('?');
  if (query === -1) return to;
  const hash = to.indexOf('#');
  const place = hash === -1 ? to : to.slice(0, hash);
  const fragment = hash === -1 ? '' : to.slice(hash);
  return `${place}${place.includes('?') ? '&' : '?'}${target.slice(query + 1)}${fragment}`;
}
