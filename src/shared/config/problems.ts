/** One thing wrong with the configuration, ready to be shown: `value` never holds a secret. */
export interface Problem {
  /** Environment variable, or path inside the YAML such as `routes[1].upstream`; `''` = the file as a whole. */
  readonly key: string;
  /** What was given, quoted and shortened; `undefined` = nothing was. */
  readonly value: string | undefined;
  /** What would have been right, as a noun phrase: `a whole number from 0 to 65535`. */
  readonly expected: string;
  /** What is wrong, where "got …" does not say it: `unknown key`. */
  readonly reason?: string;
  readonly hint?: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

const LONGEST_SHOWN = 80;

/**
 * A value as a problem shows it: quoted, one line, at most 80 characters. What stands before an `@` is left out: it may
 * be a user name and password, however badly the URL is written.
 * @returns `undefined` for a value that is not there
 */
export function showValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') {
    const safe = value.replace(/^(\w*:\/\/)?.*@/s, '$1***@');
    return JSON.stringify(safe.length > LONGEST_SHOWN ? `${safe.slice(0, LONGEST_SHOWN)}…` : safe);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' && value !== null ? 'a mapping' : JSON.stringify(value);
}

function formatPlace({ file, line, column, key }: Problem): string {
  if (file === undefined) return '';
  // With a key the line is enough to find it; a syntax error has only its column.
  const place = [file, line, key === '' ? column : undefined].filter((part) => part !== undefined);
  return `${place.join(':')}: `;
}

function formatProblem(problem: Problem): string {
  const { key, value, expected, reason, hint } = problem;
  const wrong = reason ?? (value === undefined ? 'missing' : `got ${value}`);
  // A reason with a hint says it all; everything else needs what was expected.
  const wanted = reason !== undefined && hint !== undefined ? '' : `, expected ${expected}`;
  return `${formatPlace(problem)}${key === '' ? '' : `${key}: `}${wrong}${wanted}${hint === undefined ? '' : `; ${hint}`}`;
}

/** One line a problem, without a newline at the end. */
export const formatProblems = (problems: readonly Problem[]): string => problems.map(formatProblem).join('\n');
