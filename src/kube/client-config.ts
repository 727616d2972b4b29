/** All that is taken of the client: who imports this one name lazily leaves the rest behind. */
export { KubeConfig } from "@kubernetes/client-node";
