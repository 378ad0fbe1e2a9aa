import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly requestBody?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request over a connection of its own. @throws Error when there is no whole answer; 10 s of silence are enough */
export async function ask(url: string, { method, requestBody, headers = {} }: Question): Promise<Answer> {
  const req = request(url, { method, headers, agent: false, timeout: 10_000 });
  req.once('timeout', () => req.destroy(new Error('no answer within 10 s')));
  req.end(requestBody);
  const [answer] = (await once(req, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) };
}

/** @throws Error that says what differs from a 200 with this body */
export function expectBody(answer: Answer, responseBody: string): void {
  const { status, body } = answer;
  if (status !== 200) throw new Error(`status ${status}: ${body.toString().slice(0, 200)}`);
  if (!body.equals(Buffer.from(responseBody))) throw new Error(`another body (${body.length} bytes)`);
}
