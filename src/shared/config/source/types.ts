/** Where the YAML of the configuration comes from: files that are named, or versions that were pushed. */
export type ConfigStore = 'files' | 'local' | 'redis';

/** Where the configuration comes from, and how it is followed. Of the environment: the same for the life of the process. */
export interface SourceConfig {
  /** How often the files that were read are looked at; `undefined`: not at all. */
  readonly watchEveryMs: number | undefined;
  /** `files` too where a node shares nothing with those that serve clients (JOBS=only). */
  readonly store: ConfigStore;
  /** Secret. What versions are signed with: the first signs, all are believed; empty: a signature only shows that nothing was damaged. */
  readonly signingKeys: readonly string[];
}
