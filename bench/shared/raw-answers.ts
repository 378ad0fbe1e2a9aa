import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { answerLength } from './load/connection.ts';
import { requestBytes } from './load/open-loop.ts';
import type { LoadRequest } from './load/plan.ts';

const SILENCE_MS = 10_000;

/**
 * Sends the same request `count` times in one write over one connection: the answers in their order, each with its head,
 * a character a byte.
 * @throws Error when they do not all come, or something comes behind them
 */
export function rawAnswers(url: string, request: LoadRequest, count: number): Promise<readonly string[]> {
  const target = new URL(url);
  const bytes = Buffer.concat(Array.from({ length: count }, () => requestBytes(request, target, 0)));
  const socket = open(target).setEncoding('latin1');
  const answers: string[] = [];
  let text = '';
  return new Promise((resolve, reject) => {
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`silent for ${SILENCE_MS / 1000} s`)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let length = answerLength(text); length !== undefined; length = answerLength(text)) {
        if (Number.isNaN(length)) {
          socket.destroy(new Error('an answer without a length'));
          return;
        }
        answers.push(text.slice(0, length));
        text = text.slice(length);
      }
      if (answers.length >= count) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (answers.length === count && text === '') resolve(answers);
      else
        reject(new Error(`${answers.length} answers to ${count} requests, then ${JSON.stringify(text.slice(0, 200))}`));
    });
    socket.write(bytes);
  });
}

function open({ protocol, hostname: host, port }: URL): Socket {
  if (protocol === 'https:') return connectTls({ host, port: Number(port), rejectUnauthorized: false });
  return connectPlain(Number(port), host);
}
