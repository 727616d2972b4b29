import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { network, paths } from "./settings.ts";

const comment = ["-m", "comment", "--comment", network.name];

/** Docker refuses what it does not know to be forwarded; pods' traffic passes before it looks. */
const rules: { table: string; chain: string; rule: string[] }[] = [
  { table: "filter", chain: "FORWARD", rule: ["-i", network.bridge, ...comment, "-j", "ACCEPT"] },
  { table: "filter", chain: "FORWARD", rule: ["-o", network.bridge, ...comment, "-j", "ACCEPT"] },
  {
    table: "nat",
    chain: "POSTROUTING",
    rule: ["-s", network.pods, "!", "-d", network.pods, ...comment, "-j", "MASQUERADE"],
  },
];

/** What we and the kubelet change of the kernel's settings. */
const sysctls = [
  ...["net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "vm/overcommit_memory"],
  ...["vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"],
  ...["kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"],
];

export async function makeNetwork(): Promise<void> {
  saveSysctls();
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  const { bridge, address, services } = network;
  await execa("ip", ["link", "add", bridge, "type", "bridge"]);
  await execa("ip", ["addr", "add", `${address}/24`, "dev", bridge]);
  await execa("ip", ["link", "set", bridge, "up"]);
  // The address of a service that is not there must not lead out of this machine.
  await execa("ip", ["route", "add", services, "dev", bridge]);
  for (const { table, chain, rule } of rules) {
    await execa("iptables", ["-w", "10", "-t", table, "-I", chain, ...rule]);
  }
}

/** Removes what was made, all of it or what is there of it. */
export async function removeNetwork(kubernetes: string | undefined): Promise<void> {
  if (kubernetes) await execa(kubernetes, ["kube-proxy", "--cleanup"], { reject: false });
  for (const { table, chain, rule } of rules) {
    while (await succeeds("iptables", ["-t", table, "-D", chain, ...rule]));
  }
  await removeFirewall();
  await execa("ip", ["link", "delete", network.bridge], { reject: false });
  removeResults();
  restoreSysctls();
}

/** kube-proxy's clean-up leaves this chain to the kubelet, which leaves it to kube-proxy. */
async function removeFirewall(): Promise<void> {
  for (const program of ["iptables", "ip6tables"]) {
    for (const chain of ["INPUT", "OUTPUT"]) {
      await succeeds(program, ["-D", chain, "-j", "KUBE-FIREWALL"]);
    }
    await succeeds(program, ["-F", "KUBE-FIREWALL"]);
    await succeeds(program, ["-X", "KUBE-FIREWALL"]);
  }
}

/** The CNI library notes what it attached in a folder of the machine's. */
function removeResults(): void {
  const folder = "/var/lib/cni/results";
  if (!existsSync(folder)) return;
  const own = new RegExp(`^${network.name}-([0-9a-f]+)-`);
  for (const name of readdirSync(folder)) {
    const pod = own.exec(name)?.[1];
    if (pod === undefined) continue;
    rmSync(join(folder, name));
    rmSync(join(folder, `cni-loopback-${pod}-lo`), { force: true });
  }
}

function saveSysctls(): void {
  const values = sysctls.map((name) => [name, readFileSync(join("/proc/sys", name), "utf8")]);
  writeFileSync(paths.sysctls, JSON.stringify(Object.fromEntries(values)));
}

function restoreSysctls(): void {
  if (!existsSync(paths.sysctls)) return;
  const values: Record<string, string> = JSON.parse(readFileSync(paths.sysctls, "utf8"));
  for (const [name, value] of Object.entries(values)) {
    const path = join("/proc/sys", name);
    if (readFileSync(path, "utf8") !== value) writeFileSync(path, value);
  }
}

async function succeeds(iptables: string, args: string[]): Promise<boolean> {
  const { exitCode } = await execa(iptables, ["-w", "10", ...args], { reject: false });
  return exitCode === 0;
}
