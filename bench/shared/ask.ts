import { once } from 'node:events';
import { request as requestPlain } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly requestBody?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** So long also where the machine is as busy as can be. */
const SILENCE_MS = 60_000;

/** One request over a connection of its own; whose certificate it is does not matter. @throws Error when there is no whole answer; a minute of silence is enough */
export async function ask(url: string, { method, requestBody, headers = {} }: Question): Promise<Answer> {
  const request = url.startsWith('https:') ? requestOverTls : requestPlain;
  const req = request(url, { method, headers, agent: false, timeout: SILENCE_MS, rejectUnauthorized: false });
  req.once('timeout', () => req.destroy(new Error('no answer within a minute')));
  req.end(requestBody);
  const [answer] = (await once(req, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) };
}

/** @throws Error that says what differs from a 200 with this body */
export function expectBody(answer: Pick<Answer, 'status' | 'body'>, responseBody: string): void {
  const { status, body } = answer;
  if (status !== 200) throw new Error(`status ${status}: ${body.toString().slice(0, 200)}`);
  if (!body.equals(Buffer.from(responseBody))) throw new Error(`another body (${body.length} bytes)`);
}
