import type { z } from 'zod';
import { VERSION } from '../../shared/version.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../output/text.ts';
import type { AdminPlace } from './find-admin.ts';
import { refusalOf } from './refusal.ts';

/** One call of the admin API. */
export interface AdminCall<Answer> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Such as `/admin/status`, names in it percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** Ends it before it is answered. */
  readonly signal?: AbortSignal | undefined;
  /** For the whole call; default 15 s. */
  readonly timeoutMs?: number;
  readonly answer: z.ZodType<Answer>;
}

export interface AdminReply<Answer> {
  readonly value: Answer;
  /** The answer as it came, with members this command does not know: what `--json` prints. */
  readonly json: unknown;
}

const TIMEOUT_MS = 15_000;

/** Somebody is there, and did not answer in time. */
export class LateAnswer extends CommandFailure {}

/** A name as one segment of a path. `top` alone would be the list of the most refused. */
export const segment = (name: string): string => (name === 'top' ? '%74op' : encodeURIComponent(name));

/** Talks to the admin port of one gateway. Every failure is a CommandFailure in words. */
export class AdminClient {
  readonly #place: AdminPlace;

  constructor(place: AdminPlace) {
    this.#place = place;
  }

  get origin(): string {
    return new URL(this.#place.origin).origin;
  }

  /**
   * @throws {CommandFailure} when nobody answers, the gateway refuses, or the answer is not what this version knows
   */
  async call<Answer>(call: AdminCall<Answer>): Promise<AdminReply<Answer>> {
    const { method = 'GET', path, body, signal, timeoutMs = TIMEOUT_MS, answer } = call;
    const payload = body === undefined ? {} : { body: JSON.stringify(body) };
    const timeout = AbortSignal.timeout(timeoutMs);
    const failed = (error: unknown): never => (isTimeout(error) ? this.#late(timeoutMs) : this.#nobody(error));
    const response = await this.#fetch(path, {
      method,
      ...payload,
      headers: { accept: 'application/json' },
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    }).catch(failed);
    const text = await response.text().catch(failed);
    if (!response.ok) throw refusalOf({ status: response.status, text, place: this.#place });
    const json = parseJson(text);
    const checked = answer.safeParse(json);
    if (checked.success) return { value: checked.data, json };
    const [issue] = checked.error.issues;
    const where =
      issue === undefined || issue.path.length === 0
        ? ''
        : ` (at ${printable(issue.path.join('.'))}: ${printable(issue.message)})`;
    throw new CommandFailure(
      EXIT.unavailable,
      `What answers at ${this.origin}${path} is not a gateway that this command knows${where}.\n` +
        `This command is version ${VERSION}: use the one that came with the gateway, or check --url.`,
    );
  }

  /**
   * A stream of server-sent events, without end.
   * @throws {CommandFailure} as `call`
   */
  async stream(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ReadableStream<Uint8Array>> {
    const accept = { ...headers, accept: 'text/event-stream' };
    const response = await this.#fetch(path, { headers: accept }).catch((error: unknown) => this.#nobody(error));
    if (!response.ok) throw refusalOf({ status: response.status, text: await response.text(), place: this.#place });
    if (response.body === null) throw new CommandFailure(EXIT.unavailable, `${this.origin}${path} has no content.`);
    return response.body;
  }

  #fetch(path: string, { headers: own, ...init }: FetchOptions): Promise<Response> {
    const { token } = this.#place;
    const headers = {
      ...own,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return fetch(new URL(path, this.#place.origin), { ...init, headers, redirect: 'manual' });
  }

  #late(timeoutMs: number): never {
    throw new LateAnswer(
      EXIT.unavailable,
      `The gateway at ${this.origin} did not answer in ${timeoutMs / 1000} s.\n` +
        'It may still be at work on what it was asked: "gateway status" shows how it is.',
    );
  }

  #nobody(error: unknown): never {
    throw new CommandFailure(
      EXIT.unavailable,
      `No gateway answers at ${this.origin} (${reasonOf(error)}).\n` +
        'Is it running, and are ADMIN_HOST and ADMIN_PORT the same here as there? Or name it with --url.',
    );
  }
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

interface FetchOptions {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not ours; the schema says so
  }
}
