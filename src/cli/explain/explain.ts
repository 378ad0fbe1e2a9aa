import { closest } from '../../shared/config/did-you-mean.ts';
import { ERROR_ADVICE } from '../../shared/error-advice.ts';
import { ERROR_CODES, ERRORS } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { CliIo } from '../io.ts';

const isCode = (word: string): word is ErrorCode => (ERROR_CODES as readonly string[]).includes(word);

/**
 * `gateway explain CODE`: what the code of a refusal means, and what to do.
 * @throws {CommandFailure} for a code that there is not
 */
export function explain(io: CliIo, code: string, json: boolean): number {
  if (!isCode(code)) {
    const near = closest(code, ERROR_CODES);
    throw new CommandFailure(
      EXIT.negative,
      `There is no code ${code}.${near === undefined ? '' : ` Did you mean ${near}?`}\nAll codes: ${ERROR_CODES.join(', ')}`,
    );
  }
  const { status, detail } = ERRORS[code];
  const { client, operator } = ERROR_ADVICE[code];
  show({ io, json }, { code, status, detail, client, operator }, [
    [span(`${status} ${code}: ${detail}`)],
    [span(`Client:   ${client}`)],
    [span(`Operator: ${operator}`)],
  ]);
  return EXIT.ok;
}
