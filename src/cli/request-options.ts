import { options } from "../config/options.ts";

/** The flags that say what is moved from where to where, and how. */
export const requestOptions = {
  migrationType: options.migrationType,
  application: options.application,
  user: options.user,
  "project-group": options["project-group"],
  "include-references": options["include-references"],
  "include-collection": options["include-collection"],
  "include-path": options["include-path"],
  "source-dir": options["source-dir"],
  "source-uri-file": options["source-uri-file"],
  "source-database": options["source-database"],
  "dest-dir": options["dest-dir"],
  "dest-uri-file": options["dest-uri-file"],
  "dest-database": options["dest-database"],
  "on-conflict": options["on-conflict"],
  verify: options.verify,
  ownership: options.ownership,
  compression: options.compression,
  bwlimit: options.bwlimit,
  after: options.after,
  "force-db": options["force-db"],
  name: options.name,
  "work-dir": options["work-dir"],
};
