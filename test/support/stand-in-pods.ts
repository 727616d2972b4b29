export type Labels = Record<string, string>;

interface PodOptions {
  name: string;
  image: string;
  /** The claim. */
  volume: string;
  command: string[];
  port?: number;
  mount?: { mountPath: string; subPath: string };
  graceSeconds?: number;
}

export type Template = ReturnType<typeof pod>;

const dataMount = { mountPath: "/opt/powerai-vision/data", subPath: "data" };

/** What a Deployment of the release makes its pods from, but for the labels. */
export function pod(options: PodOptions) {
  const { name, image, command, port, volume, mount = dataMount, graceSeconds = 0 } = options;
  return {
    spec: {
      terminationGracePeriodSeconds: graceSeconds,
      automountServiceAccountToken: false,
      containers: [
        {
          name,
          image,
          imagePullPolicy: "IfNotPresent",
          command,
          ...(port === undefined ? {} : portOf(port)),
          volumeMounts: [{ name: "data-mount", ...mount }],
        },
      ],
      volumes: [{ name: "data-mount", persistentVolumeClaim: { claimName: volume } }],
    },
  };
}

function portOf(port: number) {
  return {
    ports: [{ containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
  };
}

type Sleeper = Pick<PodOptions, "name" | "image" | "volume">;

/** A pod that has the volume and does nothing. */
export function sleeper(options: Sleeper): Template {
  return pod({ ...options, command: ["sleep", "infinity"] });
}

/** A pod that tells the product's version, as its web interface does. */
export function versionServer(options: Sleeper, version: string): Template {
  const program = `
    const body = ${JSON.stringify(JSON.stringify({ version }))};
    require("node:http").createServer((request, response) => {
      const isKnown = request.url === "/api/version-info";
      response.writeHead(isKnown ? 200 : 404, { "content-type": "application/json" });
      response.end(isKnown ? body : "{}");
    }).listen(9080);`;
  return pod({ ...options, command: ["node", "-e", program], port: 9080 });
}
