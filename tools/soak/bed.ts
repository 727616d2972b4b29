import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { application, database, fillSource } from "./data.ts";
import { type Processes, trackProcesses } from "./processes.ts";
import { type Receiver, startReceiverPlace } from "./receiver.ts";
import type { Way } from "./schedule.ts";
import { type Server, startServer } from "./server.ts";
import { mountVolume, type Volume } from "./volume.ts";

/** Both sides of a migration, and all that can be disturbed of it. */
export interface Bed {
  folder: string;
  source: Server & { dir: string };
  destination: Server & { volume: Volume };
  /** Of the manager: plan, status, archive, ledger. */
  work: Volume;
  description: string;
  processes: Processes;
  /** In rounds whose destination is not a folder. */
  receiver: Receiver | undefined;
  /** Begins anew with the data of a round, and a destination that is empty. */
  reset(key: string, way: Way): Promise<void>;
  /** Ends all processes and mounts; the folder stays where it is to be kept. */
  close(keep: boolean): Promise<void>;
}

const destinationMegabytes = 200;
const workMegabytes = 160;

export async function makeBed(): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), "migctl-soak-"));
  const processes = trackProcesses();
  const description = join(folder, "soak.yaml");
  writeFileSync(description, application);
  const dir = join(folder, "source");
  const source = { ...(await startServer(join(folder, "source-database"))), dir };
  const server = await startServer(join(folder, "destination-database"));
  // Last, as nothing takes a mount away where what follows fails.
  const volume = mountVolume(join(folder, "destination"), destinationMegabytes);
  const work = mountVolume(join(folder, "work"), workMegabytes);
  const destination = { ...server, volume };
  const bed: Bed = {
    ...{ folder, source, destination, work, description, processes },
    receiver: undefined,
    async reset(key, way) {
      await bed.receiver?.close();
      for (const each of [volume, work]) each.clear();
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir);
      await destination.withClient((client) => client.db(database).dropDatabase());
      await source.withClient((client) => fillSource(client.db(database), dir, key));
      bed.receiver = way === "folder" ? undefined : await startReceiverPlace(bed, way);
    },
    async close(keep) {
      await processes.end();
      await bed.receiver?.close();
      await source.stop();
      await destination.stop();
      for (const each of [volume, work]) each.close(keep);
      if (!keep) rmSync(folder, { recursive: true });
    },
  };
  return bed;
}
