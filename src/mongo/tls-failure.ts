import type { DetailedPeerCertificate } from "node:tls";
import { codeOf, MigrationError } from "../core/errors.ts";
import { causesOf, serverErrors } from "./source-failure.ts";
import { dayOf, describeClient, nameText } from "./tls-certificate.ts";
import { alertOf, lookAtTls, type TlsLook } from "./tls-look.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** A connection that did not come about. */
export interface FailedConnection {
  uri: string;
  tls: TlsSettings;
  now: number;
}

/** Codes of a server that was not even reached. */
const notReached = new Set<unknown>([
  ...["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"],
]);

/**
 * Why a connection really failed, where that is a matter of TLS: of a certificate the driver says
 * no more than that it does not hold, and of a server that refuses ours that it is "closed".
 */
export async function explainTls(
  failure: MigrationError,
  connection: FailedConnection,
): Promise<MigrationError> {
  if (failure.code !== "E_TLS" && failure.code !== "E_UNAVAILABLE") return failure;
  for (const { address, alert } of suspects(failure)) {
    const { host = address, port } =
      /^\[?(?<host>.*?)\]?:(?<port>\d+)$/.exec(address)?.groups ?? {};
    const look: TlsLook =
      alert === undefined
        ? await lookAtTls({ ...connection, host, port: Number(port) })
        : { kind: "alert", alert };
    const words = wordsOf(look, { ...connection, host, address });
    if (words === undefined) continue;
    const [message, hint] = words;
    return new MigrationError("E_TLS", message, { cause: failure.cause, hint });
  }
  return failure;
}

interface Suspect {
  address: string;
  /** What it said of TLS, where the driver passed it on. */
  alert: string | undefined;
}

/** The servers that were reached, and with which no connection came about all the same. */
function suspects({ cause }: MigrationError): Suspect[] {
  const found = new Map<string, Suspect>();
  for (const error of causesOf(cause)) {
    for (const [address, answered] of serverErrors(error)) {
      const chain = [...causesOf(answered)];
      const isCut = chain.some((one) => one instanceof Error && one.name === "MongoNetworkError");
      if (!isCut || chain.some((one) => notReached.has(codeOf(one)))) continue;
      const alert = chain.map(alertOf).find((one) => one !== undefined);
      found.set(address, { address, alert: alert ?? found.get(address)?.alert });
    }
  }
  return [...found.values()];
}

interface Place extends FailedConnection {
  host: string;
  address: string;
}

type Words = [message: string, hint: string];

/** Undefined where what was seen does not explain the failure. */
function wordsOf(look: TlsLook, place: Place): Words | undefined {
  const { address, tls } = place;
  if (look.kind === "unknown") return undefined;
  if (look.kind === "plain") {
    if (!tls.isOn) return undefined;
    return [
      `The server at "${address}" does not speak TLS, and the URI asks for it`,
      "Turn TLS on at the server, or remove tls (database.tls in a network config) and send it all in the clear",
    ];
  }
  if (!tls.isOn) {
    return [
      `The server at "${address}" wants TLS, and the URI does not ask for it`,
      "Add tls=true and tlsCAFile to the URI, or tls to the database in the network config",
    ];
  }
  if (look.kind === "alert") return alertWords(look.alert, place);
  if (look.problem !== undefined) return certificateWords(look.problem, look.certificate, place);
  return look.isClosed ? clientWords(place, "") : undefined;
}

function alertWords(alert: string, place: Place): Words {
  if (/certificate|unknown ca|access denied/.test(alert)) return clientWords(place, ` (${alert})`);
  return [
    `The server at "${place.address}" broke off the TLS handshake: ${alert}`,
    "See the server's log, and which versions of TLS and which ciphers it takes",
  ];
}

const renew = "Have it renewed at the server, and check the clocks of both machines";

function certificateWords(
  problem: string,
  certificate: DetailedPeerCertificate,
  { host, address, now }: Place,
): Words {
  const of = `of the server at "${address}"`;
  const name = nameText(certificate.subject);
  switch (problem) {
    case "CERT_HAS_EXPIRED": {
      const late = find(certificate, ({ valid_to }) => Date.parse(valid_to) < now);
      const expired = `expired on ${dayOf(late.valid_to)}`;
      return [`The certificate "${nameText(late.subject)}" ${of} ${expired}`, renew];
    }
    case "CERT_NOT_YET_VALID": {
      const early = find(certificate, ({ valid_from }) => Date.parse(valid_from) > now);
      const notYet = `is not valid before ${dayOf(early.valid_from)}`;
      return [`The certificate "${nameText(early.subject)}" ${of} ${notYet}`, renew];
    }
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return [
        `The certificate ${of} is for ${namesOf(certificate)}, not for "${host}"`,
        "Use a name that it is for in the URI, or have it made for this one as well",
      ];
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return [`The certificate "${name}" ${of} is self-signed, and not known here`, authority];
    default:
      return [
        `The certificate "${name}" ${of} is of "${nameText(certificate.issuer)}", which is not trusted here (${problem})`,
        authority,
      ];
  }
}

const authority =
  "Give the authority's certificate with tlsCAFile in the URI, or database.tls.ca in the network config";

/** The first of the chain that it is true of: also an authority's may have expired. */
function find(
  leaf: DetailedPeerCertificate,
  is: (one: DetailedPeerCertificate) => boolean,
): DetailedPeerCertificate {
  let current = leaf;
  while (!is(current)) {
    const next = current.issuerCertificate;
    // The last one is its own issuer.
    if (next === undefined || next === current) return leaf;
    current = next;
  }
  return current;
}

function namesOf({ subject, subjectaltname }: DetailedPeerCertificate): string {
  const names = (subjectaltname ?? "").split(", ").filter((one) => one !== "");
  if (names.length === 0) return `"${nameText(subject)}" and no name at all`;
  return names.map((one) => `"${one.replace(/^(DNS|IP Address):/, "")}"`).join(", ");
}

function clientWords({ address, tls, now }: Place, told: string): Words {
  const client = describeClient(tls, now);
  if (client === undefined) {
    return [
      `The server at "${address}" wants a certificate of its client${told}, and the URI names none`,
      "Name it, with its key, with tlsCertificateKeyFile in the URI, or database.tls.certificate in the network config",
    ];
  }
  return [
    `The server at "${address}" did not accept our certificate ${client.words}${told}`,
    client.isValid
      ? "Use one of an authority that the server trusts; its log says more"
      : "Use one that is valid now",
  ];
}
