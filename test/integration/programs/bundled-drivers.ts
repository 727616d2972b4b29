import { openLegacy } from "../../../src/mongo/connect-legacy.ts";
import { loadRawSequences } from "../../../src/mongo/document-sequence.ts";
import { readUri } from "../../../src/mongo/uri.ts";

/** Says whether what the drivers are loaded by still works where they are part of one file. */
const [uriFile = ""] = process.argv.slice(2);
const ref = { uriFile, database: "DLAAS" };
const { client, facts } = await openLegacy(await readUri(ref), ref.database, 99);
await client.close();
const sendsRaw = loadRawSequences() !== undefined;
process.stdout.write(`${JSON.stringify({ driver: facts.driver, sendsRaw })}\n`);
