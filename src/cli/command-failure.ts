import { printable } from './output/text.ts';

/** A command cannot do what it was asked, for a reason that is no fault of its own; the message is for the person. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  /** @param exitCode one of EXIT */
  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** What went wrong, in words on one line: fetch hides it in `cause`, and Node's connect in a list. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const errors = error instanceof AggregateError ? error.errors : [];
  return error.message === '' && errors.length > 0 ? errors.map(reasonOf).join(', ') : printable(error.message);
}
