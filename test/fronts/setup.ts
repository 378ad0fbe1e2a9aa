import { expect } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf, takeMessage } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import type { Pair } from '../support/pair.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

let paths = 0;

/** A path no other test asks for, as the upstream sees it; clients put `/proxy` before it. */
export const freshPath = (): string => `/path-${paths++}`;

/** The answers on a connection, in order; fails where fewer come. */
export async function answersOn(client: RawConnection, count: number): Promise<Message[]> {
  const answers: Message[] = [];
  for (let i = 0; i < count; i++) answers.push(await messageAt(client, i));
  return answers;
}

/** What the gateway sent before it closed: exactly one answer, with a length or up to the close. */
export async function lastAnswer(client: RawConnection): Promise<Message> {
  const text = await client.closed();
  expect(text.match(/HTTP\/1\.[01] \d{3} /g) ?? [], `exactly one answer, then a close: ${text}`).toHaveLength(1);
  const answer = takeMessage(text);
  if (answer === undefined) throw new Error(`half an answer: ${text}`);
  return { ...answer, body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}

/** When it resolves, whatever was to reach the upstream by then has (one thread, and its loop turns in order). */
export async function settled(pair: Pair): Promise<void> {
  for (let i = 0; i < 3; i++) expect(statusOf(await ask(pair.port, requestText('GET', '/proxy/settled')))).toBe(200);
}

/** An answer that the test holds back. */
export interface Held {
  /** Whether the request has come. */
  readonly asked: () => boolean;
  /** Waits for the request, then sends the bytes. */
  answer(text?: string): Promise<RawConnection>;
}

/** The upstream takes requests for the path and answers nothing until told to. */
export function hold(pair: Pair, path: string): Held {
  let connection: RawConnection | undefined;
  pair.answers.set(path, (_request, on) => {
    connection = on;
    return '';
  });
  const asked = (): boolean => connection !== undefined;
  return {
    asked,
    answer: async (text = answerText(path)) => {
      await eventually(asked, `the request for ${path}`);
      if (connection === undefined) throw new Error('unreachable');
      connection.send(text);
      return connection;
    },
  };
}

/** A body in one chunk, and what follows it up to the empty line. */
export const oneChunk = (body: string, trailers: readonly string[] = []): string =>
  [body.length.toString(16), body, '0', ...trailers, '', ''].join('\r\n');
