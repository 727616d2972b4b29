import { X509Certificate } from "node:crypto";
import type { Certificate } from "node:tls";
import type { TlsSettings } from "./tls-settings.ts";

/** The one that we show. */
export interface ClientCertificate {
  /** Whose it is, of whom, and until when. */
  words: string;
  /** As far as the clock goes. */
  isValid: boolean;
}

/** A distinguished name in one line. */
export function nameText(name: Certificate | undefined): string {
  const parts: [string, string | string[] | undefined][] = Object.entries({ ...name });
  return parts.map(([key, value]) => `${key}=${[value].flat().join("+")}`).join(", ");
}

/** Undefined where the URI names no certificate of ours. */
export function describeClient(
  { client }: Pick<TlsSettings, "client">,
  now: number,
): ClientCertificate | undefined {
  if (client === undefined) return undefined;
  const { subject, issuer, validFrom, validTo } = new X509Certificate(client);
  const isEarly = now < Date.parse(validFrom);
  const isLate = Date.parse(validTo) < now;
  const when = isEarly
    ? `not valid before ${dayOf(validFrom)}`
    : `${isLate ? "expired on" : "valid until"} ${dayOf(validTo)}`;
  return {
    words: `"${oneLine(subject)}" (of "${oneLine(issuer)}", ${when})`,
    isValid: !(isEarly || isLate),
  };
}

/** As certificates have it: "Feb  1 00:00:00 2020 GMT". */
export function dayOf(time: string): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ").concat(" UTC");
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}
