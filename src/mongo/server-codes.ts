import type { ErrorCode } from "../core/errors.ts";

/** Server codes after which the same command may succeed a little later. */
export const transientCodes: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  43, // CursorNotFound
  50, // MaxTimeMSExpired
  64, // WriteConcernFailed: written, not yet acknowledged by the others
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  215, // DatabaseDropPending
  216, // ElectionInProgress
  237, // CursorKilled
  262, // ExceededTimeLimit
  279, // ClientDisconnect
  290, // TransactionExceededLifetimeLimitSeconds
  317, // ConnectionPoolExpired
  355, // InterruptedDueToStorageChange
  358, // InternalTransactionNotSupported
  365, // TemporarilyUnavailable: the cache is under pressure
  384, // ConnectionError
  402, // ResourceExhausted
  407, // PooledConnectionAcquisitionExceededTimeLimit
  433, // AdmissionQueueOverflow
  449, // RateLimitExceeded
  9001, // SocketException
  10058, // legacy not primary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted: somebody ended the operation
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/** Server codes of a whole command that one document of the batch causes. */
export const narrowCodes: ReadonlySet<number> = new Set([
  15, // Overflow: nested too deeply
  22, // InvalidBSON
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // an update's result is too large
  17420, // a document is too large
]);

/** Server codes that judge the document itself, which no other attempt would change. */
export const documentCodes: ReadonlySet<number> = new Set([
  ...narrowCodes,
  0, // ours: it could not be encoded
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  16, // InvalidLength
  28, // PathNotViable
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  61, // ShardKeyNotFound
  66, // ImmutableField
  116, // DocTooLargeForCapped
  121, // DocumentValidationFailure
  146, // ExceededMemoryLimit: too many keys of one index
  171, // CannotIndexParallelArrays
  201, // CannotBuildIndexKeys
  357, // InvalidBSONType
  378, // NonConformantBSON
  13026, // 2d index: values are no numbers
  13027, // 2d index: a point outside of its bounds
  13067, // 2d index: no point
  13068, // 2d index: a point of one number
  16755, // 2dsphere index: no geometry
  16766, // hashed index: an array
  16804, // 2d index: no point
  17261, // text index: the language is no text
  17262, // text index: an unknown language
]);

/** Server codes that end the migration, with what the reader learns. */
export const fatalCodes: ReadonlyMap<number, { code: ErrorCode; hint: string }> = new Map([
  [8, { code: "E_UNEXPECTED", hint: "See the destination's log for what its words mean" }],
  [13, { code: "E_PERMISSION", hint: "Give the destination's user the role readWrite" }],
  [18, { code: "E_AUTHENTICATION", hint: "Check the user and password in the URI file" }],
  [8000, { code: "E_AUTHENTICATION", hint: "Check the user and password in the URI file" }],
  [14031, { code: "E_NO_SPACE", hint: "Make room on the database's volume, then run again" }],
  [166, { code: "E_REFUSED", hint: "Rename or drop the view at the destination" }],
  [20, { code: "E_REFUSED", hint: "See the server's message for what it does not allow" }],
  [100, { code: "E_REFUSED", hint: "Bring the missing members of the replica set back" }],
  [79, { code: "E_REFUSED", hint: "Remove the unknown write concern from the URI" }],
  [73, { code: "E_REFUSED", hint: "Rename the collection: the server refuses its name" }],
  [
    371,
    {
      code: "E_REFUSED",
      hint: "Writes are blocked there: allow them again (setUserWriteBlockMode), then run the same command again",
    },
  ],
]);

export const networkCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
]);

export const networkErrors: ReadonlySet<string> = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoPoolClearedError",
  "PoolClearedOnNetworkError",
  "MongoWaitQueueTimeoutError",
  "MongoOperationTimeoutError",
]);
