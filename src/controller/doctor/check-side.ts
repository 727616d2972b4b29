import type { ClusterRequest } from "../../config/load.ts";
import { checkApi, checkKubernetes } from "./check-api.ts";
import {
  checkFound,
  checkProduct,
  checkRestarts,
  checkSamePlace,
  checkWriters,
} from "./check-found.ts";
import { checkVolume } from "./check-volume.ts";
import type { Finding } from "./finding.ts";
import { checkRights } from "./rights.ts";
import { isShutOut, type SideFacts } from "./side-facts.ts";

/** What the side's API alone tells. */
export function checkSide(facts: SideFacts, request: ClusterRequest): Finding[] {
  const { side, found } = facts;
  if (isShutOut(facts)) return checkApi(facts);
  return [
    ...checkApi(facts),
    ...checkRights(facts),
    ...checkFound(facts),
    ...checkVolume(facts),
    ...(found.value === undefined
      ? []
      : side === "source"
        ? checkWriters(found.value, request.quiesce)
        : checkRestarts(found.value, request.after === "run")),
  ];
}

/** What only both sides together tell. */
export function checkBoth(source: SideFacts, destination: SideFacts): Finding[] {
  const [from, to] = [source.found.value, destination.found.value];
  return [
    ...checkKubernetes(source, destination),
    ...(from === undefined || to === undefined
      ? []
      : [...checkSamePlace(from, to), ...checkProduct(from, to)]),
  ];
}
