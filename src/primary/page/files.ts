import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { problem } from '../admin/contract/answer.ts';
import type { AdminAnswer, WholeAnswer } from '../admin/contract/answer.ts';
import { operation } from '../admin/contract/operation.ts';
import type { AnyOperation } from '../admin/contract/operation.ts';

/** What every answer that a browser shows says of itself: nothing is loaded from elsewhere, and nobody frames it. */
export const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

interface PageFile {
  /** Below /admin/ui/. */
  readonly path: string;
  readonly file: string;
  readonly id: string;
  readonly type: string;
  readonly summary: string;
}

const FILES: readonly PageFile[] = [
  {
    path: '',
    file: 'index.html',
    id: 'pageIndex',
    type: 'text/html; charset=utf-8',
    summary: "The operator's page; with ?plain as tables that need no JavaScript.",
  },
  {
    path: 'page.js',
    file: 'page.js',
    id: 'pageScript',
    type: 'text/javascript; charset=utf-8',
    summary: 'Its script.',
  },
  { path: 'page.css', file: 'page.css', id: 'pageStyle', type: 'text/css; charset=utf-8', summary: 'Its style.' },
  { path: 'icon.svg', file: 'icon.svg', id: 'pageIcon', type: 'image/svg+xml', summary: 'Its icon.' },
  {
    path: 'runbook',
    file: 'runbook.html',
    id: 'pageRunbook',
    type: 'text/html; charset=utf-8',
    summary: 'The runbook of this version, which problems link to.',
  },
];

interface Kept {
  readonly body: string;
  readonly etag: string;
}

/** The files of the page, each read once and then kept: 200 KB. */
export class PageFiles {
  readonly #folder: URL;
  readonly #kept = new Map<string, Kept | undefined>();

  /** @param folder where the build has put them */
  constructor(folder = new URL('../../page/', import.meta.url)) {
    this.#folder = folder;
  }

  /** @param given If-None-Match */
  answer({ file, type }: Pick<PageFile, 'file' | 'type'>, given: string | undefined): WholeAnswer {
    const kept = this.#read(file);
    if (kept === undefined) return problem(404, 'not_built', { detail: `This build of the gateway has no ${file}.` });
    const headers = { ...PAGE_HEADERS, ETag: kept.etag, 'Cache-Control': 'no-cache' };
    const isKnown = (given ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === kept.etag);
    return isKnown ? { status: 304, type, body: '', headers } : { status: 200, type, body: kept.body, headers };
  }

  #read(file: string): Kept | undefined {
    if (!this.#kept.has(file)) {
      const url = new URL(file, this.#folder);
      const body = existsSync(url) ? readFileSync(url, 'utf8') : undefined;
      const digest = createHash('sha256')
        .update(body ?? '')
        .digest('base64url');
      this.#kept.set(file, body === undefined ? undefined : { body, etag: `"${digest.slice(0, 22)}"` });
    }
    return this.#kept.get(file);
  }
}

const moved = (to: string): AdminAnswer => ({
  status: 303,
  type: 'text/plain; charset=utf-8',
  body: `${to}\n`,
  headers: { Location: to },
});

/** The page under /admin/ui/. Its files hold no secret, so that whoever needs the token can be asked for it. */
export const fileOperations = (files: PageFiles): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/ui',
    id: 'pagePlace',
    summary: "Where the operator's page is.",
    access: 'open',
    status: 303,
    produces: 'text/plain; charset=utf-8',
    handle: () => moved('/admin/ui/'),
  }),
  ...FILES.map((each) =>
    operation({
      method: 'GET',
      path: `/admin/ui/${each.path}`,
      id: each.id,
      summary: each.summary,
      access: 'open',
      produces: each.type,
      ...(each.path === '' ? { parameters: { plain: { in: 'query', description: 'Anything: as tables.' } } } : {}),
      ...(each.path === 'runbook' ? { problems: { 404: 'The build had no runbook.' } } : {}),
      handle: ({ query, headers }) =>
        query.has('plain') ? moved('/admin/ui/plain') : files.answer(each, headers['if-none-match']),
    }),
  ),
];
