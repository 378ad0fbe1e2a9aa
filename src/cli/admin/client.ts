import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { monotonicMs } from '../../shared/clock.ts';
import { VERSION } from '../../shared/version.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../output/text.ts';
import { bodyOf, exchange } from './exchange.ts';
import type { ExchangeOptions } from './exchange.ts';
import type { AdminPlace } from './find-admin.ts';
import { refusalOf } from './refusal.ts';
import { describeSilence } from './silence.ts';

/** One call of the admin API. */
export interface AdminCall<Answer> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Such as `/admin/status`, names in it percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends it before it is answered. */
  readonly signal?: AbortSignal | undefined;
  /** The work may take up to this long; meanwhile the gateway is asked again and again whether it answers at all. */
  readonly workMs?: number;
  readonly answer: z.ZodType<Answer>;
}

export interface AdminReply<Answer> {
  readonly value: Answer;
  /** The answer as it came, with members this command does not know: what `--json` prints. */
  readonly json: unknown;
}

/** For an answer; what Node needs to start comes on top. */
const TIMEOUT_MS = 2_000;
/** A stream has a sign of life every 15 s. */
const DEAD_STREAM_MS = 45_000;
/** A call that every gateway answers at once. */
const SIGN_OF_LIFE = '/admin/log-level';

/** Somebody is there, and did not answer in time. */
export class LateAnswer extends CommandFailure {}

/** A name as one segment of a path. `top` alone would be the list of the most refused. */
export const segment = (name: string): string => (name === 'top' ? '%74op' : encodeURIComponent(name));

/** What is asked, but for the token. */
interface Asked extends Pick<ExchangeOptions, 'headers' | 'body' | 'signal'> {
  readonly method?: string;
  readonly path: string;
  readonly withinMs: number;
}

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
  async call<Answer>({ body, workMs, answer, ...call }: AdminCall<Answer>): Promise<AdminReply<Answer>> {
    const { path } = call;
    const ended = new AbortController();
    const asked = {
      ...call,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { accept: 'application/json', ...call.headers },
      signal: call.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, call.signal]),
      withinMs: workMs ?? this.#timeoutMs,
    };
    if (workMs !== undefined) void this.#watch(ended);
    const { status, text } = await this.#ask(asked, whole).finally(() => ended.abort());
    if (status < 200 || status > 299) throw refusalOf({ status, text, place: this.#place });
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
  async stream(path: string, headers: Readonly<Record<string, string>> = {}): Promise<AsyncIterable<Uint8Array>> {
    const asked = { path, headers: { ...headers, accept: 'text/event-stream' }, withinMs: this.#timeoutMs };
    const incoming = await this.#ask(asked, (answered) => Promise.resolve(answered));
    const { statusCode: status = 0 } = incoming;
    if (status !== 200) throw refusalOf({ status, text: await bodyOf(incoming), place: this.#place });
    incoming.setTimeout(DEAD_STREAM_MS, () => incoming.destroy(new Error(`silent for ${DEAD_STREAM_MS / 1000} s`)));
    return incoming as AsyncIterable<Uint8Array>;
  }

  get #timeoutMs(): number {
    return this.#place.timeoutMs ?? TIMEOUT_MS;
  }

  /** @param take reads what is wanted of the answer; the time that is given is for that, too */
  async #ask<T>({ path, withinMs, ...asked }: Asked, take: (incoming: IncomingMessage) => Promise<T>): Promise<T> {
    const { origin, token } = this.#place;
    const late = new AbortController();
    let connected = false;
    // A timer that keeps the process alive: with nothing else to wait for it would end without a word.
    const timer = setTimeout(
      () =>
        late.abort(this.#late({ withinMs, connected, changes: asked.method !== undefined && asked.method !== 'GET' })),
      withinMs,
    );
    const options = {
      method: 'GET',
      ...asked,
      headers: {
        ...asked.headers,
        ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: asked.signal === undefined ? late.signal : AbortSignal.any([late.signal, asked.signal]),
      onConnect: () => (connected = true),
    };
    try {
      return await take(await exchange(new URL(path, origin), options));
    } catch (error) {
      const reason: unknown = options.signal.reason;
      throw reason instanceof LateAnswer ? reason : this.#nobody(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the work as late when the gateway no longer answers anything. */
  async #watch(work: AbortController): Promise<void> {
    const { signal } = work;
    while (!signal.aborted) {
      const startedMs = monotonicMs();
      const asked = { path: SIGN_OF_LIFE, headers: {}, signal, withinMs: this.#timeoutMs };
      const failure = await this.#ask(asked, whole).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure instanceof LateAnswer) return work.abort(failure);
      const leftMs = this.#timeoutMs - (monotonicMs() - startedMs);
      await delay(Math.max(0, leftMs), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #late({ withinMs, connected, changes }: { withinMs: number; connected: boolean; changes: boolean }): LateAnswer {
    const silence = describeSilence(new URL(this.#place.origin), connected);
    const said = `The gateway at ${this.origin} did not answer in ${withinMs / 1000} s.`;
    return new LateAnswer(
      EXIT.unavailable,
      `${said}\n${silence}${changes && connected ? '\nWhat it was asked it may still do.' : ''}`,
    );
  }

  #nobody(error: unknown): CommandFailure {
    return new CommandFailure(
      EXIT.unavailable,
      `No gateway answers at ${this.origin} (${reasonOf(error)}).\n` +
        'Is it running, and are ADMIN_HOST and ADMIN_PORT the same here as there? Or name it with --url.',
    );
  }
}

const whole = async (incoming: IncomingMessage): Promise<{ readonly status: number; readonly text: string }> => ({
  status: incoming.statusCode ?? 0,
  text: await bodyOf(incoming),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not ours; the schema says so
  }
}
