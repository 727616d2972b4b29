/** A place that holds entries by name: a zip file, or a folder of mongodump. */
export interface Container {
  readonly path: string;
  /** Names with `/` between folders, as they lie there. */
  readonly entries: ReadonlyMap<string, ContainerEntry>;
  /** The unpacked bytes of an entry, always from the file as it was opened. */
  read(name: string): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export interface ContainerEntry {
  name: string;
  /** The unpacked size as declared. */
  size: number;
}
