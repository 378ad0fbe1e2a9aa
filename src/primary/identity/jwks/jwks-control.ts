import type { Config } from '../../../shared/config/types.ts';
import type { IssuerConfig } from '../../../shared/config/identity/types.ts';
import type { FromJwtThread, IssuerKeys, ToJwtThread } from '../../../shared/identity/jwt-messages.ts';
import { readJwks } from '../../../shared/identity/public-key.ts';
import type { KeyText } from '../../../shared/identity/public-key.ts';
import type { Log } from '../../../shared/log.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { NameCache } from '../../names/name-cache.ts';
import type { DegradedReasons } from '../../traffic/degraded-reasons.ts';
import { fetchText } from './fetch-text.ts';
import { FileKeys } from './file-keys.ts';
import { IssuerFeed } from './issuer-feed.ts';
import { KeptKeys } from './kept-keys.ts';

export interface JwksControlOptions {
  readonly config: Pick<Config, 'identities'>;
  /** This process has clients; one that has none needs no keys. */
  readonly serves: boolean;
  /** Where keys are kept over a restart; `undefined`: nowhere. */
  readonly stateDir: string | undefined;
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly events: Pick<EventLog, 'add'>;
  readonly names: Pick<NameCache, 'ask'>;
  readonly degraded: Pick<DegradedReasons, 'set'>;
  readonly tellAll: (message: ToJwtThread) => void;
  readonly send: (slot: number, message: ToJwtThread) => void;
}

/** The keys of one issuer, as metrics show them. */
export interface IssuerView {
  readonly issuer: string;
  readonly keys: number;
  /** Time of day; `undefined`: never, or they are in a file. */
  readonly fetchedAtMs: number | undefined;
  /** `undefined`: they are in a file. */
  readonly refreshMs: number | undefined;
}

interface Source {
  /** Text of its key source in the configuration. */
  readonly of: string;
  readonly keys: IssuerFeed | FileKeys;
  /** What was last told of it. */
  failure: string;
}

/** The front's part of tokens: it alone has the keys of the issuers fetched, and tells the threads of them. */
export class JwksControl {
  readonly #options: JwksControlOptions;
  readonly #kept: KeptKeys;
  readonly #sources = new Map<string, Source>();

  constructor(options: JwksControlOptions) {
    this.#options = options;
    this.#kept = new KeptKeys(options.stateDir, options.log);
    this.configure(options.config);
  }

  /** A new configuration, before the threads get it. Files are read again, also where nothing else is new. */
  configure({ identities }: Pick<Config, 'identities'>): void {
    const issuers = this.#options.serves ? identities.issuers : [];
    const names = new Set(issuers.map(({ name }) => name));
    for (const name of this.#sources.keys()) if (!names.has(name)) this.#drop(name);
    const times = { refreshMs: identities.jwksRefreshMs, staleMs: identities.jwksStaleMs };
    for (const issuer of issuers) {
      const { name, keySource } = issuer;
      const of = JSON.stringify(keySource);
      const known = this.#sources.get(name);
      if (known?.of !== of) {
        this.#drop(name);
        this.#sources.set(name, { of, keys: this.#open(issuer, times), failure: '' });
      } else if (known.keys instanceof FileKeys) known.keys.read();
      else known.keys.configure(times);
      if (known?.of !== of || known.keys instanceof FileKeys) this.#onNews(name);
    }
    this.#sayDegraded();
  }

  /** For a new thread. */
  forThread(): readonly IssuerKeys[] {
    return [...this.#sources].map(([issuer, { keys }]) => ({ issuer, ...keys.state }));
  }

  /** From the thread in this slot. */
  receive(slot: number, { issuer }: FromJwtThread): void {
    const keys = this.#sources.get(issuer)?.keys;
    if (keys === undefined) return; // its configuration is on its way
    if (keys instanceof IssuerFeed && keys.demand()) return;
    this.#options.send(slot, { type: 'issuer-keys', issuer, ...keys.state });
  }

  views(): readonly IssuerView[] {
    return [...this.#sources].map(([issuer, { keys }]) => ({
      issuer,
      keys: keys.state.keys?.length ?? 0,
      fetchedAtMs: keys instanceof IssuerFeed ? keys.fetchedAtMs : undefined,
      refreshMs: keys instanceof IssuerFeed ? keys.refreshMs : undefined,
    }));
  }

  async close(): Promise<void> {
    for (const name of this.#sources.keys()) this.#drop(name);
    await this.#kept.close();
  }

  #open({ name, keySource }: IssuerConfig, times: { readonly refreshMs: number; readonly staleMs: number }) {
    if (keySource.kind !== 'jwks_url') return new FileKeys(keySource);
    const { url } = keySource;
    return new IssuerFeed({
      ...times,
      fetch: () => this.#fetch(url),
      onNews: () => this.#onNews(name),
      kept: this.#kept.read(url),
      onFetched: (fetched) => this.#kept.keep(url, fetched),
    });
  }

  async #fetch(url: string): Promise<KeyText> {
    const fetched = await fetchText(url, this.#options);
    return fetched.ok ? readJwks(fetched.text) : fetched;
  }

  #drop(name: string): void {
    const source = this.#sources.get(name);
    if (source?.keys instanceof IssuerFeed) source.keys.close();
    this.#sources.delete(name);
  }

  #onNews(issuer: string): void {
    const source = this.#sources.get(issuer);
    if (source === undefined) return;
    const { state, failure } = source.keys;
    this.#options.tellAll({ type: 'issuer-keys', issuer, ...state });
    if (source.failure !== failure) this.#sayOf(issuer, failure);
    source.failure = failure;
    this.#sayDegraded();
  }

  #sayOf(issuer: string, failure: string): void {
    const { log, events } = this.#options;
    const text = failure === '' ? `issuer ${issuer}: its keys are there again` : `issuer ${issuer}: ${said(failure)}`;
    const details = { issuer, why: failure };
    log[failure === '' ? 'info' : 'warn'](details, text);
    events.add('identity', text, details);
  }

  #sayDegraded(): void {
    const failing = [...this.#sources].filter(([, { keys }]) => keys.failure !== '');
    const reasons = failing.map(([issuer, { keys }]) => {
      const left = keys.state.keys === undefined ? 'its tokens get 503' : 'those of before are used';
      return `issuer ${issuer}: ${said(keys.failure)}, ${left}`;
    });
    this.#options.degraded.set('identity', reasons);
  }
}

const said = (failure: string): string => `its keys cannot be had (${failure})`;
