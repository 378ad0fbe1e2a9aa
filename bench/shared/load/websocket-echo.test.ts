import { describe, expect, it } from 'vitest';
import { socketUpstream } from '../../../test/websocket/peers.ts';
import type { LoadPlan } from './plan.ts';
import { expectEcho, runWebSocketEcho } from './websocket-echo.ts';
import type { Burst } from './websocket-frames.ts';

const SMALL: Burst = { messageBytes: 64, messages: 1 };
const LARGE_BURST: Burst = { messageBytes: 16 * 1024, messages: 8 };

const planFor = (url: string, websocket: Burst): LoadPlan => ({
  request: { name: 't', method: 'GET', requestBody: undefined, websocket },
  url: `${url}/ws`,
  seconds: 0.2,
  connections: 4,
});

describe('runWebSocketEcho', () => {
  it.each([SMALL, LARGE_BURST])('counts every message that a ws server has got and sent back: %j', async (burst) => {
    await using server = await socketUpstream({ echo: true });
    let started = 0;
    const seen = await runWebSocketEcho(planFor(server.url, burst), () => started++);
    const messages = server.peers.flatMap((peer) => peer.seen.messages);
    expect(seen).toMatchObject({ requests: messages.length, errors: 0, problems: [] });
    expect(seen.requests).toBeGreaterThanOrEqual(4 * burst.messages);
    expect(new Set(messages.map((message) => message.length))).toEqual(new Set([burst.messageBytes]));
    expect(server.peers.map((peer) => peer.seen.errors)).toEqual([[], [], [], []]);
    expect(started).toBe(1);
  });

  it('names what is no echo', async () => {
    await using other = await socketUpstream({
      onPeer: ({ socket }) => socket.on('message', () => socket.send('something else')),
    });
    const seen = await runWebSocketEcho(planFor(other.url, SMALL), () => {});
    expect(seen).toMatchObject({ requests: 0, errors: 4 });
    expect(seen.problems[0]).toContain('WebSockets lost: 4 (something else than the echo came: 810e');
  });

  it('names an end of the server, and a handshake that is refused', async () => {
    await using closing = await socketUpstream({
      onPeer: ({ socket }) => socket.on('message', () => socket.terminate()),
    });
    const cut = await runWebSocketEcho(planFor(closing.url, SMALL), () => {});
    expect(cut.problems).toEqual(['WebSockets lost: 4 (closed by the server)', 'no request was answered']);
    await using refusing = await socketUpstream({
      onUpgrade: (_, socket) => {
        socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
        return true;
      },
    });
    const refused = await runWebSocketEcho(planFor(refusing.url, SMALL), () => {});
    expect(refused.problems[0]).toBe('WebSockets lost: 4 (status 503 instead of 101)');
  });
});

describe('expectEcho', () => {
  it.each([SMALL, LARGE_BURST])('is content with the same frames: %j', async (burst) => {
    await using server = await socketUpstream({ echo: true });
    await expect(expectEcho(`${server.url}/ws`, burst)).resolves.toBeUndefined();
  });

  it('sees one wrong byte', async () => {
    await using server = await socketUpstream({
      onPeer: ({ socket }) =>
        socket.on('message', (data: Buffer) => {
          const wrong = Buffer.from(data);
          wrong[63] = 0;
          socket.send(wrong, { binary: true });
        }),
    });
    await expect(expectEcho(`${server.url}/ws`, SMALL)).rejects.toThrow('other bytes came back');
  });
});
