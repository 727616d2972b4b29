import { down } from "./down.ts";
import { locked } from "./lock.ts";
import { paths } from "./settings.ts";
import { isUp, up } from "./up.ts";

const usage = `Usage: node tools/cluster/main.ts up | down | status
  up      starts a Kubernetes cluster on this machine and prints the path of its kubeconfig
  down    ends it and removes everything of it
  status  prints the path where it is up; exit code 1 where it is not
`;

const command = process.argv[2];
try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  if (command === "up") return tell((await up()).kubeconfig);
  if (command === "down") return locked(down).then(() => 0);
  if (command === "status") return (await isUp()) ? tell(paths.kubeconfig) : 1;
  process.stderr.write(usage);
  return 2;
}

function tell(path: string): number {
  process.stdout.write(`${path}\n`);
  return 0;
}
