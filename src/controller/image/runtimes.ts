import { hasCode, MigrationError } from "../../core/errors.ts";
import { type ProcessResult, runProcess } from "../../core/process.ts";

/** How one program is told what is wanted of it. */
interface Tool {
  /** The scheme of a node's `containerRuntimeVersion` whose images the program sees. */
  scheme: string;
  /** Fails where the runtime does not answer. */
  ask: readonly string[];
  /** Prints something where the image is there. */
  find(image: string): string[];
  /** The whole command: it need not be the tool's own. */
  load(file: string): readonly [program: string, ...args: string[]];
  tag(image: string, other: string): string[];
  push?(image: string): string[];
}

const asDocker = {
  ask: ["version"],
  find: (image) => ["image", "inspect", "--format", "{{.Id}}", image],
  tag: (image, other) => ["tag", image, other],
  push: (image) => ["push", image],
} satisfies Omit<Tool, "scheme" | "load">;

/** The namespace in which a kubelet looks. */
const kubelet = ["--namespace", "k8s.io", "images"];

/** ctr reads no compressed archive; gzip leaves alone what is not compressed. */
const unpackInto = 'gzip --decompress --stdout --force < "$1" | { shift; exec "$@"; }';

const tools = {
  docker: { scheme: "docker", load: (file) => ["docker", "load", "--input", file], ...asDocker },
  // Of one user, unless it is root's: then it shares its images with CRI-O.
  podman: { scheme: "cri-o", load: (file) => ["podman", "load", "--input", file], ...asDocker },
  ctr: {
    scheme: "containerd",
    // Where there is no containerd it would else wait for 10 s.
    ask: ["--connect-timeout", "3s", "version"],
    find: (image) => [...kubelet, "list", "--quiet", `name==${image}`],
    load: (file) => ["sh", "-c", unpackInto, "sh", file, "ctr", ...kubelet, "import", "-"],
    tag: (image, other) => [...kubelet, "tag", "--force", image, other],
  },
} satisfies Record<string, Tool>;

type RuntimeName = keyof typeof tools;

const order: readonly RuntimeName[] = ["docker", "podman", "ctr"];

export interface RuntimeOptions {
  /** Variables for the programs: see `runtimeVariables`. */
  env?: Record<string, string>;
  signal?: AbortSignal;
}

/** A container runtime of this host, by its own program. */
export interface Runtime {
  readonly name: RuntimeName;
  has(image: string): Promise<boolean>;
  load(file: string): Promise<void>;
  /** Names an image once more. */
  tag(image: string, other: string): Promise<void>;
  /** To the registry that its name tells, with the log-in that the program itself has. */
  push?(image: string): Promise<void>;
}

export interface FoundRuntimes {
  found: Runtime[];
  /** Why others are of no use, one sentence each. */
  problems: string[];
}

/**
 * The runtimes of this host that answer; with the `containerRuntimeVersion` of a node that is this
 * host, only those whose images its kubelet sees.
 */
export async function findRuntimes(
  options: RuntimeOptions & { nodeRuntime?: string; toPush?: boolean } = {},
): Promise<FoundRuntimes> {
  const found: Runtime[] = [];
  const problems: string[] = [];
  for (const name of order) {
    const tool: Tool = tools[name];
    if (!serves(tool, options.nodeRuntime) || (options.toPush && !tool.push)) continue;
    const problem = await problemOf(name, options);
    if (problem === undefined) found.push(makeRuntime(name, options));
    else problems.push(`${name}: ${problem}`);
  }
  return { found, problems };
}

function serves({ scheme }: Tool, nodeRuntime: string | undefined): boolean {
  return nodeRuntime === undefined || nodeRuntime.startsWith(`${scheme}://`);
}

async function problemOf(name: RuntimeName, options: RuntimeOptions): Promise<string | undefined> {
  try {
    const result = await runProcess(name, tools[name].ask, options);
    options.signal?.throwIfAborted();
    return result.exitCode === 0 ? undefined : lastWords(result);
  } catch (error) {
    if (hasCode(error, "E_PROGRAM")) return "is not there";
    throw error;
  }
}

function makeRuntime(name: RuntimeName, options: RuntimeOptions): Runtime {
  const tool: Tool = tools[name];
  const must: Must = async (what, args, program = name) => {
    const result = await runProcess(program, args, options);
    options.signal?.throwIfAborted();
    if (result.exitCode !== 0) throw failure(name, what, result);
  };
  return {
    name,
    async has(image) {
      const { exitCode, stdout } = await runProcess(name, tool.find(image), options);
      options.signal?.throwIfAborted();
      return exitCode === 0 && stdout.trim() !== "";
    },
    async load(file) {
      const [program, ...args] = tool.load(file);
      await must(`load the image archive "${file}"`, args, program);
    },
    tag: (image, other) => must(`name the image "${image}" "${other}"`, tool.tag(image, other)),
    ...pushOf(tool, must),
  };
}

type Must = (what: string, args: readonly string[], program?: string) => Promise<void>;

function pushOf({ push }: Tool, must: Must): Pick<Runtime, "push"> {
  return push ? { push: (image) => must(`push the image "${image}"`, push(image)) } : {};
}

function failure(name: RuntimeName, what: string, result: ProcessResult): MigrationError {
  return new MigrationError("E_IMAGE", `${name} cannot ${what}: ${lastWords(result)}`, {
    hint: `Try the same by hand with ${name}; for a registry, log in with it first`,
  });
}

function lastWords({ stderr, exitCode, signal }: ProcessResult): string {
  return stderr.trim().split("\n").at(-1) || `it ended with ${signal ?? exitCode}`;
}

const variableNames = [
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"],
  ...["CONTAINER_HOST", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "CONTAINERD_ADDRESS"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
];

/** What docker, podman and ctr are told by variables: where the runtime is, and its log-ins. */
export function runtimeVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    variableNames.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
