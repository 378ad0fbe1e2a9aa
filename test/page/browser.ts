import { delimiter } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findOnPath } from '../../scripts/setup/find-on-path.mjs';
import type { Gateway } from '../support/gateway.ts';
import { eventually, PATIENCE_MS } from '../support/wait.ts';

const PROGRAMS = ['chromium', 'google-chrome'];

/** Starts a real browser. Throws with what to install where there is none. */
export async function startBrowser(args: readonly string[] = []): Promise<Browser> {
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/bin`;
  const executablePath = PROGRAMS.map((name) => findOnPath(name, path)).find((found) => found !== undefined);
  if (executablePath === undefined) {
    throw new Error(
      `The page is tested in a browser: ${PROGRAMS.join(' or ')} must be on PATH (apt-get install chromium).`,
    );
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', ...args] });
}

/** A page of a gateway, and what the browser had to complain of. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console, exceptions, and requests to anywhere else. */
  readonly complaints: readonly string[];
}

export interface OpenOptions extends BrowserContextOptions {
  /** In place of the gateway's own address. */
  readonly origin?: string;
}

/** Opens the operator's page and waits until it shows something. */
export async function openPage(browser: Browser, { adminUrl }: Gateway, options: OpenOptions = {}): Promise<OpenPage> {
  const { origin = adminUrl, ...rest } = options;
  const context = await browser.newContext(rest);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (line) => void (line.type() === 'error' && complaints.push(line.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  page.on('request', (request) => void (request.url().startsWith(`${origin}/`) || complaints.push(request.url())));
  await page.goto(`${origin}/admin/ui/`);
  await eventually(async () => ['ok', 'warn', 'bad', 'lost'].includes(await stateOf(page)), 'the page shows a verdict');
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** What the verdict says: waiting, ok, warn, bad or lost. */
export const stateOf = async (page: Page): Promise<string> =>
  (await page.locator('#verdict').getAttribute('data-state')) ?? '';

/** Signs in as a person does. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.click('[data-session="in"]');
  await page.fill('#dialog-token', token);
  await page.press('#dialog-token', 'Enter');
  await page.waitForSelector('[data-session="out"]');
}
