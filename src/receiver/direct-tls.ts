/** What both ends of a direct connection agree on: TLS 1.3 by a key that only they have. */
export const directTls = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  // A key without a hash of its own goes with SHA-256.
  ciphers: "TLS_AES_128_GCM_SHA256",
} as const;

export const pskIdentity = "migmgr";
export const keyLength = 32;
