/**
 * fastify with @fastify/http-proxy, forwarding everything over kept connections. Argument: the upstream's origin. Tells
 * its port to the parent and goes when the parent goes.
 */
import type { AddressInfo } from 'node:net';
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { goWithParent } from '../../../shared/go-with-parent.ts';

const app = fastify({ logger: false });
await app.register(httpProxy, {
  upstream: process.argv[2] ?? '',
  undici: { connections: 128, pipelining: 1 },
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ type: 'ready', port: (app.server.address() as AddressInfo).port });
goWithParent();
