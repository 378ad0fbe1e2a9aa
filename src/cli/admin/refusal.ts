import { z } from 'zod';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../output/text.ts';
import type { AdminPlace } from './find-admin.ts';

export interface Refusal {
  readonly status: number;
  /** The body. */
  readonly text: string;
  readonly place: AdminPlace;
}

/** The members of problem+json (RFC 9457) that are shown; what is not ours may lack all of them. */
interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly problems?: unknown;
  /** What is wrong with the body, one by one. */
  readonly errors?: unknown;
  readonly upstreams?: unknown;
  readonly clients?: unknown;
  readonly rules?: unknown;
  readonly routes?: unknown;
  readonly versions?: unknown;
}

const inputProblem = z.object({ path: z.string(), expected: z.string(), got: z.string() });

/** A CommandFailure that a gateway is the reason of. */
export class AdminRefusal extends CommandFailure {
  /** Of the problem, such as `unknown_client`; '' when what answers is not ours. */
  readonly code: string;

  constructor(exitCode: number, message: string, code: string) {
    super(exitCode, message);
    this.code = code;
  }
}

/** Members of a 404 that name what there is instead. */
const ALTERNATIVES = ['upstreams', 'clients', 'rules', 'routes', 'versions'] as const;

/** A body longer than this is somebody else's page. */
const LONGEST_TEXT = 500;

/** What a refusal of the admin port means to the person, and the exit code that goes with it. */
export function refusalOf({ status, text, place }: Refusal): AdminRefusal {
  const problem = parseProblem(text);
  const code = textOf(problem.code) ?? '';
  const refusal = (exitCode: number, message: string): AdminRefusal => new AdminRefusal(exitCode, message, code);
  const { origin } = new URL(place.origin);
  if (status === 401 || status === 403) {
    return refusal(EXIT.configuration, tokenWords(status, place, printable(textOf(problem.detail) ?? '')));
  }
  const words = [
    textOf(problem.detail) ?? text.trim().slice(0, LONGEST_TEXT),
    ...linesOf(problem.problems),
    ...linesOf(problem.errors),
    ...alternativesOf(problem),
  ];
  const said = words.map(printable).join('\n');
  // `no_route` and `not_found` say that this is another port, or another version.
  if (status === 404 && /^(?:unknown|impossible)_/.test(code)) return refusal(EXIT.negative, said);
  if (status === 409 || status === 412) return refusal(EXIT.negative, said);
  if (status === 400 || status === 413) return refusal(EXIT.usage, said);
  if (status === 422) return refusal(EXIT.configuration, said);
  if (status === 503) return refusal(EXIT.unavailable, `The gateway at ${origin} cannot do it now: ${said}`);
  if (status >= 500) return refusal(EXIT.internal, `The gateway at ${origin} failed (${status}): ${said}`);
  const doubt = 'Is it a gateway of this version, and its admin port?';
  return refusal(EXIT.unavailable, `${origin} does not know this call (${status}): ${said}\n${doubt}`);
}

function alternativesOf(problem: Problem): readonly string[] {
  return ALTERNATIVES.flatMap((name) => {
    const names = linesOf(problem[name]);
    return names.length === 0 ? [] : [`There are these ${name}: ${names.join(', ')}`];
  });
}

function tokenWords(status: number, { origin, token, made }: AdminPlace, detail: string): string {
  const where = new URL(origin).origin;
  if (status === 403) return `The gateway at ${where} refuses it (403). ${detail}`;
  if (token !== undefined) {
    const own = made === undefined ? '' : ` that ${made.path} holds`;
    return `The gateway at ${where} does not accept this token${own} (401): check ADMIN_TOKEN, ADMIN_TOKEN_FILE or --token-file.\n${detail}`;
  }
  const looked =
    made === undefined
      ? ''
      : `\nNo token was found in ${made.path}${made.problem === undefined ? '' : ` (${made.problem})`}: STATE_DIR is to be the same here as there, and the user too.`;
  return `The gateway at ${where} needs the admin token (401): set ADMIN_TOKEN or ADMIN_TOKEN_FILE, or name a file with --token-file.${looked}\n${detail}`;
}

function parseProblem(text: string): Problem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // not ours, then: its text is shown as it is
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function linesOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return typeof value === 'string' ? [value] : [];
  return value.map((line: unknown) => {
    const input = inputProblem.safeParse(line).data;
    if (input === undefined) return textOf(line) ?? JSON.stringify(line);
    return `${input.path === '' ? '' : `${input.path}: `}expected ${input.expected}, got ${input.got}`;
  });
}
