/**
 * Keeps small texts by name, where all see them who write to the same place. Throws E_UNAVAILABLE
 * where that cannot be reached, and may be called again then.
 */
export interface LockPlace {
  names(): Promise<string[]>;
  /** Undefined where it is not there; one that is just being made or replaced may be cut. */
  read(name: string): Promise<string | undefined>;
  /** Under a name that nobody else uses. */
  create(name: string, text: string): Promise<void>;
  /** Replaces a text; false, and nothing is made, where it is gone. */
  write(name: string, text: string): Promise<boolean>;
  /** Removes what is there of that name. With the last one goes all that was made for them. */
  remove(name: string): Promise<void>;
}

/** Names of locks are made here alone: whatever else lies beside them is not ours. */
export function isLockName(name: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name);
}
