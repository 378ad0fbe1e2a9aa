import type { RouteAnswerConfig } from '../../../shared/config/rules/types.ts';
import type { LocalAnswer } from '../exchange/local-answer.ts';
import { besideNoHost, withQuery } from './location.ts';

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

const locationOf = ({ to, keepPath }: { readonly to: string; readonly keepPath: boolean }, target: string): string =>
  keepPath ? besideNoHost(to + target) : withQuery(to, target);
