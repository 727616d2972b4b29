import { options } from "../config/options.ts";

/** The flags that say what is moved, and how. */
export const moveOptions = {
  migrationType: options.migrationType,
  application: options.application,
  user: options.user,
  "project-group": options["project-group"],
  "include-references": options["include-references"],
  "include-collection": options["include-collection"],
  "include-path": options["include-path"],
  "on-conflict": options["on-conflict"],
  verify: options.verify,
  ownership: options.ownership,
  usermap: options.usermap,
  groupmap: options.groupmap,
  chown: options.chown,
  compression: options.compression,
  bwlimit: options.bwlimit,
  "retry-timeout": options["retry-timeout"],
  after: options.after,
  "force-db": options["force-db"],
  prune: options.prune,
  overlap: options.overlap,
  profile: options.profile,
  name: options.name,
};

/** These, and between which folders. */
export const requestOptions = {
  ...moveOptions,
  "source-dir": options["source-dir"],
  "source-uri-file": options["source-uri-file"],
  "source-database": options["source-database"],
  "dest-dir": options["dest-dir"],
  "dest-uri-file": options["dest-uri-file"],
  "dest-database": options["dest-database"],
  "work-dir": options["work-dir"],
};

/** Where a migration between clusters is described, and what of that is another one this time. */
export const networkOptions = {
  network: options.network,
  namespace: options.namespace,
  context: options.context,
  kubeconfig: options.kubeconfig,
  set: options.set,
};

/** How a migration between clusters is run. */
export const clusterOptions = {
  ...networkOptions,
  transport: options.transport,
  link: options.link,
  workload: options.workload,
  template: options.template,
  image: options.image,
  tag: options.tag,
  "image-pull-secret": options["image-pull-secret"],
  "image-file": options["image-file"],
  "destination-image": options["destination-image"],
  "service-account": options["service-account"],
  requests: options.requests,
  limits: options.limits,
};

/** How it is started, and whether it is waited for. */
const startOptions = {
  ...clusterOptions,
  "wait-lock": options["wait-lock"],
  quiesce: options.quiesce,
  window: options.window,
  wait: options.wait,
  timeout: options.timeout,
  "start-timeout": options["start-timeout"],
  "dry-run": options["dry-run"],
};

const { workload: _, template: __, ...podOptions } = clusterOptions;

/** For what works on a migration that there is already, here or by a pod beside its volume. */
export const againOptions = {
  ...podOptions,
  "start-timeout": options["start-timeout"],
  "source-dir": options["source-dir"],
  "work-dir": options["work-dir"],
  migrationType: { ...options.migrationType, describe: "Only a migration of this type" },
  name: { ...options.name, describe: "The migration's name, where there are several" },
};

/** All flags of a start. */
export const startArguments = { ...requestOptions, ...startOptions, rerun: options.rerun };
