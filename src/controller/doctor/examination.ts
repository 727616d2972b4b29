import type { Application } from "../../config/application.ts";
import type { ClusterRequest } from "../../config/load.ts";
import type { NetworkConfig } from "../../config/network.ts";
import type { Clock } from "../../core/clock.ts";
import type { SideTools } from "../deploy/sides.ts";

export interface Examination extends SideTools {
  request: ClusterRequest;
  application: Application;
  network: NetworkConfig;
  signal: AbortSignal;
  clock: Clock;
  /** Whether a pod may be made to look from within. */
  withPod: boolean;
  /** Told what is done just now. */
  note(text: string): void;
}
