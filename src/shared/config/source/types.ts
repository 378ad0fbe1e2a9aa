/** Where the configuration comes from, and how it is followed. Of the environment: the same for the life of the process. */
export interface SourceConfig {
  /** How often the files that were read are looked at; `undefined`: not at all. */
  readonly watchEveryMs: number | undefined;
}
