import { RawLine } from './raw-line.ts';
import { handshakeBytes, judgeHandshake } from './websocket-frames.ts';

export interface WebSocketOwner {
  /** The 101 has come. */
  onReady(): void;
  /** The first `length` bytes came behind it; the next read of any line overwrites them. */
  onBytes(bytes: Buffer, length: number): void;
  /** Once, whoever ended it. */
  onGone(why: string): void;
}

/** Opens a WebSocket; what comes and goes on it is the owner's, frame headers and all. */
export function openWebSocket(url: URL, owner: WebSocketOwner): RawLine {
  let text = '';
  let isReady = false;
  const line = new RawLine(
    { host: url.hostname, port: Number(url.port) },
    {
      onOpen: () => line.write(handshakeBytes(url)),
      onBytes(bytes, length) {
        if (isReady) return owner.onBytes(bytes, length);
        text += bytes.toString('latin1', 0, length);
        const verdict = judgeHandshake(text);
        if (verdict === 'more') return;
        if (verdict === 'switched') {
          isReady = true;
          text = '';
          return owner.onReady();
        }
        line.destroy();
        owner.onGone(verdict);
      },
      onGone: (why) => owner.onGone(isReady ? why : `${why} before the handshake was over`),
    },
  );
  return line;
}
