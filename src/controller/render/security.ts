import type { Platform, RenderInput } from "./input.ts";

/** Whether the manager's pod, which only reads, runs as root. */
export function readsAsRoot(input: Pick<RenderInput, "readsAsRoot" | "ownership">): boolean {
  return input.readsAsRoot ?? input.ownership !== "inherit";
}

/**
 * The pod's security context. As root it fits Pod Security's "baseline", as it gets few
 * capabilities; otherwise "restricted", and OpenShift's restricted-v2.
 */
export function podSecurity(asRoot: boolean, platform: Platform) {
  const common = {
    seccompProfile: { type: "RuntimeDefault" },
    // Without it every file of the volume would be looked at, and given another group.
    fsGroupChangePolicy: "OnRootMismatch",
  };
  if (asRoot) {
    return { ...common, runAsNonRoot: false, runAsUser: 0, runAsGroup: 0 };
  }
  const { openshift, ...ids } = platform;
  return { ...common, runAsNonRoot: true, ...(openshift ? {} : ids) };
}

const capabilities = {
  /** It only reads what it migrates, whoever it belongs to. */
  manager: ["DAC_OVERRIDE"],
  receiver: ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
} as const;

export function containerSecurity(asRoot: boolean, role: keyof typeof capabilities) {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: {
      drop: ["ALL"],
      ...(asRoot ? { add: [...capabilities[role]] } : {}),
    },
  };
}

/** A container whose user is not known must be able to read its files; root needs no such help. */
export function secretMode(asRoot: boolean): number {
  return asRoot ? 0o400 : 0o444;
}
