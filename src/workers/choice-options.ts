import type { Application } from "../config/application.ts";
import type { Scope } from "../plan/scope.ts";

/** Which documents are to be chosen. */
export interface ChoiceOptions {
  application: Application;
  scope: Scope;
  includeReferences: boolean;
  includeCollections: readonly string[];
  signal?: AbortSignal;
}
