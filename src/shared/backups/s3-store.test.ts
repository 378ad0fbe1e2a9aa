import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupStore, LocalFile } from './backup-store.ts';
import { openS3Store } from './s3-store.ts';
import type { S3Behaviour } from './s3-store.ts';

/** What a real S3 server does is in test/backups-s3; here are servers that fail, and that lie. */

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gateway-s3-lies-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Takes the whole request first, unless it is `raw`. */
type Answer = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void;

const server = createServer();
let origin: string;
let asked: string[];
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => void (asked = []));
afterEach(() => {
  server.removeAllListeners('request').removeAllListeners('checkContinue');
  server.closeAllConnections();
});

function serve(answer: Answer): void {
  const whole: RequestListener = (req, res) => {
    // Looking for old uploads comes before every put; that a key may not do that is no reason to fail.
    if (req.method === 'GET' && req.url?.includes('uploads')) return void res.writeHead(403).end();
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      asked.push(`${req.method} ${(req.url ?? '').replace('/bucket/b/', '')}`);
      answer(req, res, Buffer.concat(chunks));
    });
  };
  server.on('request', whole);
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    res.writeContinue();
    whole(req, res);
  });
}

const xml = (res: ServerResponse, status: number, text: string): void =>
  void res.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`);
/** @param said its code, and after a space what it says besides */
const failure = (res: ServerResponse, status: number, said: string): void => {
  const [code = '', ...message] = said.split(' ');
  xml(res, status, `<Error><Code>${code}</Code><Message>${message.join(' ')}</Message></Error>`);
};

const signal = new AbortController().signal;
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const QUICK: S3Behaviour = { patience: { attempts: 3, firstRestMs: 1 } };
const PLACE = { bucket: 'bucket', prefix: 'b/', region: 'r', accessKeyId: 'key-id', secretAccessKey: 'the-secret' };
const open = (behaviour: S3Behaviour = QUICK): BackupStore => openS3Store({ ...PLACE, origin }, behaviour);

let files = 0;
const newPath = (): string => join(folder, `file-${files++}`);
function localFile(data: Buffer): LocalFile {
  const path = newPath();
  writeFileSync(path, data);
  return { path, bytes: data.length, sha256: sha256(data) };
}

describe('an S3 server that fails for a moment', () => {
  it('is asked again, from the first byte on', async () => {
    const data = Buffer.from('all of it');
    let stored: Buffer = Buffer.alloc(0);
    let calls = 0;
    serve((req, res, body) => {
      calls++;
      if (calls % 3 === 1) return failure(res, 503, 'SlowDown');
      if (calls % 3 === 2) return void req.socket.destroy();
      if (req.method === 'PUT') stored = body;
      const length = req.method === 'PUT' ? 0 : stored.length;
      res.writeHead(200, { 'content-length': length }).end(req.method === 'GET' ? stored : undefined);
    });
    const path = newPath();
    await open().put('a', localFile(data), { signal });
    expect(await open().get('a', path, { signal })).toEqual({ bytes: data.length, sha256: sha256(data) });
    expect(readFileSync(path)).toEqual(data);
    expect(asked).toEqual([...Array(3).fill('PUT a'), ...Array(3).fill('HEAD a'), ...Array(3).fill('GET a')]);
  });

  it('that goes on failing is given up, with its own words, and never with our key', async () => {
    serve((_req, res) => failure(res, 503, 'SlowDown the-secret of key-id,\n please &lt;reduce&gt;'));
    await expect(open().list('', signal)).rejects.toThrow(
      /^GET of the list at http:\S+\/bucket\/b\/ failed: the S3 server answered 503 SlowDown "\*\*\* of \*\*\*, please <reduce>"$/,
    );
    expect(asked).toHaveLength(3);
  });

  it('a refusal is final', async () => {
    serve((_req, res) => failure(res, 403, 'RequestTimeTooSkewed'));
    await expect(open().remove('a', signal)).rejects.toThrow('403 RequestTimeTooSkewed; set the clock of this machine');
    expect(asked).toHaveLength(1);
  });

  it('a file that breaks off leaves nothing here', async () => {
    serve((req, res) => {
      res.writeHead(200, { 'content-length': 100 }).write('only this');
      setImmediate(() => req.socket.destroySoon());
    });
    const path = newPath();
    await expect(open().get('a', path, { signal })).rejects.toThrow(/^GET of a at .* failed: the answer broke off/);
    expect(asked).toHaveLength(3);
    expect(existsSync(path)).toBe(false);
  });

  it('and then says nothing: it is given up', async () => {
    serve((req, res) => {
      if (req.method === 'GET') res.writeHead(200, { 'content-length': 100 }).write('and then silence');
    });
    const silent = open({ patience: { attempts: 1, firstRestMs: 1 }, silentMs: 50 });
    const path = newPath();
    await expect(silent.get('a', path, { signal })).rejects.toThrow(/^GET of a at /);
    await expect(silent.remove('a', signal)).rejects.toThrow('silent for 0.05 s');
    expect(existsSync(path)).toBe(false);
  });

  it('whoever no longer wants it is told so at once', async () => {
    const over = new AbortController();
    serve((_req, res) => void res.writeHead(200, { 'content-length': 100 }).write('and then silence'));
    const path = newPath();
    const got = open().get('a', path, { signal: over.signal, onBytes: () => over.abort(new Error('stop')) });
    await expect(got).rejects.toThrow('stop');
    expect(existsSync(path)).toBe(false);
  });
});

describe('an S3 server that refuses a large file', () => {
  it('is heard before the file is sent', async () => {
    let received = 0;
    const refuse = (req: IncomingMessage, res: ServerResponse): void => {
      req.on('data', (chunk: Buffer) => (received += chunk.length));
      failure(res, 403, 'AccessDenied');
    };
    server.on('request', refuse).on('checkContinue', refuse);
    const put = open().put('a', localFile(Buffer.alloc(5_000_000)), { signal });
    await expect(put).rejects.toThrow('403 AccessDenied; the key needs leave to list the bucket');
    expect(received).toBe(0);
  });

  it('or does not know the question: it gets the file a little later', async () => {
    const data = Buffer.alloc(100_000, 'a');
    let got: Buffer | undefined;
    serve((req, res, body) => {
      if (req.method === 'PUT') got = body;
      res.writeHead(200, { 'content-length': req.method === 'HEAD' ? data.length : 0 }).end();
    });
    const [takes] = server.listeners('request') as RequestListener[];
    server.removeAllListeners('checkContinue').on('checkContinue', takes ?? (() => {}));
    await open().put('a', localFile(data), { signal });
    expect(got?.equals(data)).toBe(true);
  });
});

describe('an S3 server that lies', () => {
  it('stores another size: said, and taken away', async () => {
    serve((req, res) => void res.writeHead(200, { 'content-length': req.method === 'HEAD' ? 5 : 0 }).end());
    await expect(open().put('a', localFile(Buffer.from('nine byte')), { signal })).rejects.toThrow(
      /took a with 9 bytes, but has 5 bytes of it/,
    );
    expect(asked).toEqual(['PUT a', 'HEAD a', 'DELETE a']);
  });

  it('stores nothing: said', async () => {
    serve((req, res) => void res.writeHead(req.method === 'HEAD' ? 404 : 200).end());
    await expect(open().put('a', localFile(Buffer.from('x')), { signal })).rejects.toThrow('but has nothing of it');
  });

  it('gives other bytes: their own hash is told', async () => {
    serve((_req, res) => void res.end('flipped'));
    const read = await open().get('a', newPath(), { signal });
    expect(read).toEqual({ bytes: 7, sha256: sha256(Buffer.from('flipped')) });
  });

  it('is no S3 server at all', async () => {
    serve((_req, res) => void res.end('<html>Welcome</html>'));
    await expect(open().list('', signal)).rejects.toThrow('does not answer as S3 does: check BACKUP_S3_URL');
  });

  it('gives the same page for ever', async () => {
    serve((_req, res) => {
      const next = '<NextContinuationToken>same&amp;</NextContinuationToken>';
      xml(res, 200, `<ListBucketResult><IsTruncated>true</IsTruncated>${next}</ListBucketResult>`);
    });
    await expect(open().list('', signal)).rejects.toThrow('the same page of its list again');
    expect(asked.at(-1)).toContain('continuation-token=same%26');
  });

  it('lists what is not ours: only our own names are taken', async () => {
    const keys = ['b/a&amp;b', 'b/folder/x', 'other', 'b/', 'b/&#x61;'];
    serve((_req, res) => {
      const rows = keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size></Contents>`);
      xml(res, 200, `<ListBucketResult xmlns="x"><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`);
    });
    expect(await open().list('a', signal)).toEqual([
      { name: 'a', bytes: 3 },
      { name: 'a&b', bytes: 3 },
    ]);
  });
});

describe('a file in parts', () => {
  const PARTS: S3Behaviour = { ...QUICK, partBytes: () => 4 };
  const data = Buffer.from('0123456789');

  /** Takes parts; `completes` answers the end of it. */
  function takeParts(completes: Answer, size = data.length): Map<string, Buffer> {
    const parts = new Map<string, Buffer>();
    serve((req, res, body) => {
      const { searchParams } = new URL(req.url ?? '', origin);
      if (req.method === 'HEAD') return void res.writeHead(200, { 'content-length': size }).end();
      if (req.method === 'DELETE') return void res.writeHead(204).end();
      if (searchParams.has('uploads')) return xml(res, 200, '<X><UploadId>id/1+2</UploadId></X>');
      if (req.method === 'POST') return completes(req, res, body);
      const number = searchParams.get('partNumber') ?? '';
      parts.set(number, body);
      res.writeHead(200, { etag: `"<${number}>"` }).end();
    });
    return parts;
  }

  it('is put together by the names the server gave its parts', async () => {
    let ordered = '';
    const parts = takeParts((_req, res, body) => {
      ordered = body.toString();
      xml(res, 200, '<CompleteMultipartUploadResult/>');
    });
    await open(PARTS).put('a', localFile(data), { signal });
    expect(Buffer.concat([...parts.values()])).toEqual(data);
    expect(ordered).toContain('<Part><PartNumber>3</PartNumber><ETag>&quot;&lt;3>&quot;</ETag></Part>');
  });

  it('whose end is a 200 with an error in it is not stored: tried again, then its parts are thrown away', async () => {
    takeParts((_req, res) => failure(res, 200, 'InternalError We encountered an error'));
    await expect(open(PARTS).put('a', localFile(data), { signal })).rejects.toThrow(
      /^POST of a at \S+ failed: the S3 server answered 200 InternalError "We encountered an error"/,
    );
    const ends = asked.slice(asked.indexOf('PUT a?partNumber=3&uploadId=id%2F1%2B2') + 1);
    expect(ends).toEqual([...Array(3).fill('POST a?uploadId=id%2F1%2B2'), 'DELETE a?uploadId=id%2F1%2B2']);
  });

  it('whose end was done, though its answer was lost, is stored', async () => {
    let ended = false;
    takeParts((req, res) => {
      if (ended) return failure(res, 404, 'NoSuchUpload');
      ended = true;
      req.socket.destroy();
    });
    await open(PARTS).put('a', localFile(data), { signal });
    expect(asked.at(-1)).toBe('HEAD a');
  });

  it('that somebody else has thrown away is not stored, whatever lies there', async () => {
    takeParts((_req, res) => failure(res, 404, 'NoSuchUpload'));
    await expect(open(PARTS).put('a', localFile(data), { signal })).rejects.toThrow('404 NoSuchUpload');
  });

  it('is thrown away where a part fails for good', async () => {
    takeParts(() => {});
    server.prependListener('request', (req: IncomingMessage) => {
      if (req.url?.includes('partNumber=2')) req.socket.destroy();
    });
    await expect(open(PARTS).put('a', localFile(data), { signal })).rejects.toThrow(/^PUT of a at/);
    expect(asked.at(-1)).toBe('DELETE a?uploadId=id%2F1%2B2');
  });
});
