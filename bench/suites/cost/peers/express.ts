/**
 * express with http-proxy-middleware, forwarding everything over kept connections. Argument: the upstream's origin. Tells
 * its port to the parent and goes when the parent goes.
 */
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { goWithParent } from '../../../shared/go-with-parent.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const app = express().disable('x-powered-by').disable('etag');
app.use(createProxyMiddleware({ target: process.argv[2] ?? '', agent }));
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ type: 'ready', port: (server.address() as AddressInfo).port });
});
goWithParent();
