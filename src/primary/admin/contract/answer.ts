import { reasonPhrase } from '../../../shared/http/problem.ts';

interface AnswerHead {
  readonly status: number;
  /** Content-Type. */
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** More for the audit line. */
  readonly audited?: Readonly<Record<string, unknown>>;
  /** Runs once the answer has been handed to the socket, or its connection has gone. */
  readonly afterSent?: () => void;
}

export interface WholeAnswer extends AnswerHead {
  readonly body: string;
}

/** An answer that goes on until one of both sides ends it. */
export interface StreamAnswer extends AnswerHead {
  readonly open: (stream: AnswerStream) => void;
}

export type AdminAnswer = WholeAnswer | StreamAnswer;

/** Where a {@link StreamAnswer} writes. */
export interface AnswerStream {
  write(text: string): void;
  /** Bytes that the reader has not taken yet, beyond what the system holds for it. */
  waitingBytes(): number;
  /** Ends it in order. */
  end(): void;
  /** Cuts it off. */
  cut(): void;
  /** Called once, when it is over, whoever ended it. */
  onClose(told: () => void): void;
}

/** JSON in one line, ending in a newline. */
export const json = (status: number, value: unknown): WholeAnswer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

/** RFC 9457, as on the data port; `extra` are further members. */
export function problem(
  status: number,
  code: string,
  extra: { readonly detail: string } & Readonly<Record<string, unknown>>,
): WholeAnswer {
  const body = { type: 'about:blank', title: reasonPhrase(status), status, code, ...extra };
  return { status, type: 'application/problem+json', body: `${JSON.stringify(body)}\n` };
}
