import { describeDestination } from "../../support/destination-contract.ts";
import { asPlainDuplex, connectTo, serveAgent } from "./receiver-rig.ts";

describeDestination("a destination behind a socket", async (root) => {
  const { open } = await serveAgent({ root });
  return (await connectTo(open)).destination;
});

describeDestination("a destination behind a stream that is no socket", async (root) => {
  const { open } = await serveAgent({ root });
  return (await connectTo(() => asPlainDuplex(open))).destination;
});
