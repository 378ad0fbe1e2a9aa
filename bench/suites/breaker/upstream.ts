/**
 * An upstream that answers as it is told and remembers every call. Arguments: its port, the status and the
 * delay in milliseconds it begins with. Goes when the parent goes.
 */
import { App } from 'uWebSockets.js';
import { goWithParent } from '../../shared/go-with-parent.ts';
import { SMALL_BODY } from '../../shared/bodies.ts';
import type { AnswerMode, Call, FromUpstream, ToUpstream } from './protocol.ts';

const REASONS: Readonly<Record<number, string>> = { 200: '200 OK', 500: '500 Internal Server Error' };
const body = Buffer.from(SMALL_BODY);
const [port = '0', status = '200', delayMs = '0'] = process.argv.slice(2);

let mode: AnswerMode = { status: Number(status), delayMs: Number(delayMs) };
let calls: Call[] = [];

const nowMs = (): number => performance.timeOrigin + performance.now();
const say = (message: FromUpstream): void => void process.send?.(message);

const app = App();
app.any('/*', (res) => {
  const { status, delayMs } = mode;
  const startMs = nowMs();
  let over = false;
  const end = (status: number): void => {
    over = true;
    calls.push({ startMs, endMs: nowMs(), status });
  };
  const answer = (): void => {
    if (over) return;
    end(status);
    res.cork(() => res.writeStatus(REASONS[status] ?? String(status)).end(body));
  };
  res.onAborted(() => over || end(0));
  if (delayMs === 0) answer();
  else setTimeout(answer, delayMs);
});

process.on('message', (message: ToUpstream) => {
  if (message.type === 'answer') {
    mode = message.mode;
    say({ type: 'answer', atMs: nowMs() });
  } else {
    say({ type: 'tell', calls });
    calls = [];
  }
});

app.listen('127.0.0.1', Number(port), (socket) => {
  if (socket === false) process.exit(69);
  say({ type: 'ready', atMs: nowMs() });
});
goWithParent();
