import { createPrivateKey, X509Certificate } from "node:crypto";
import { MigrationError } from "../../core/errors.ts";

/** Throws E_CONFIG unless the text is a certificate with its own key, which is not encrypted. */
export function requireClient(pem: string, what: string) {
  const fail = (problem: string, cause?: unknown) =>
    new MigrationError("E_CONFIG", `The ${what} ${problem}`, {
      cause,
      hint: "Give both in PEM form: database.tls.certificate, and database.tls.key where the key is not in the same file",
    });
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw fail("is no certificate in PEM form", cause);
  }
  let isItsOwn: boolean;
  try {
    isItsOwn = certificate.checkPrivateKey(createPrivateKey(pem));
  } catch (cause) {
    throw fail("has no key, or one that cannot be read", cause);
  }
  if (!isItsOwn) throw fail("has a key that is not its own");
}
