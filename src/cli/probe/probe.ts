import type { Expected } from '../arguments.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { bytes, milliseconds } from '../output/quantities.ts';
import { facts } from '../output/table.ts';
import { printable, span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import { timedRequest } from './request.ts';
import type { TimedAnswer, Timings } from './request.ts';

export interface ProbeOptions {
  readonly url: string;
  readonly method: string;
  readonly timeoutMs: number;
  /** `undefined`: any below 400. */
  readonly expect?: Expected | undefined;
  readonly json: boolean;
}

/** Bytes of the body that are shown. */
const SHOWN_BYTES = 1_024;

/** `gateway probe URL`: one request, what came and how long it took. For images that have no curl. */
export async function probe(io: CliIo, options: ProbeOptions): Promise<number> {
  const url = parseUrl(options.url);
  const { method, timeoutMs } = options;
  const outcome = await timedRequest({ url, method, timeoutMs, keepBytes: SHOWN_BYTES });
  const shownUrl = withoutLogin(url);
  const asked = { url: shownUrl, method };
  if (!outcome.ok) {
    const error = reasonOf(outcome.error);
    const { timings } = outcome;
    if (options.json) show({ io, json: true }, { ...asked, ok: false, status: null, error, timings }, []);
    const got = timings.connectMs === undefined ? 'no connection' : `connected in ${milliseconds(timings.connectMs)}`;
    io.err(`${method} ${shownUrl}: ${error} (${got}).`);
    return EXIT.negative;
  }
  const { answer } = outcome;
  const ok = isExpected(answer.status, options.expect);
  const { status, statusText, headers, bodyBytes, timings } = answer;
  const body = answer.body.toString('utf8');
  show({ io, json: options.json }, { ...asked, ok, status, statusText, timings, headers, bodyBytes, body }, [
    ...answerLines(answer, ok),
  ]);
  if (!ok) io.err(`${method} ${shownUrl}: ${status}, expected ${options.expect?.join(' or ') ?? 'less than 400'}.`);
  return ok ? EXIT.ok : EXIT.negative;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  const words = `expected a URL such as http://127.0.0.1:5000/health, got "${printable(text)}"`;
  throw new CommandFailure(EXIT.usage, `probe: ${words}`);
}

function withoutLogin(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

const isExpected = (status: number, expect: Expected | undefined): boolean =>
  expect === undefined
    ? status < 400
    : expect.some((each) => (each.endsWith('xx') ? String(status)[0] === each[0] : String(status) === each));

function timingWords({ connectMs, firstByteMs, totalMs }: Timings): string {
  const parts = [
    ['connect', connectMs],
    ['first byte', firstByteMs],
    ['total', totalMs],
  ] as const;
  return parts.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${milliseconds(ms)}`])).join(', ');
}

function answerLines(answer: TimedAnswer, ok: boolean): readonly Line[] {
  const { status, statusText, headers, body, bodyBytes, timings } = answer;
  const shown = body.toString('utf8').replace(/\n$/, '').split(/\r?\n/);
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? ''].flat().map((each) => [name, each] as const),
  );
  const rest = bodyBytes - body.length;
  return [
    [span(`${status} ${statusText}`, ok ? 'good' : 'bad'), span(`  ${timingWords(timings)}`)],
    ...facts(fields),
    [],
    ...(bodyBytes === 0 ? [[span('(no body)', 'faint')]] : shown.map((text): Line => [span(text)])),
    ...(rest > 0 ? [[span(`(${bytes(rest)} more)`, 'faint')]] : []),
  ];
}
