import { openLocalDestination } from "../../../src/files/local-destination.ts";
import { describeDestination } from "../../support/destination-contract.ts";
import { streamedDestination } from "../../support/streamed-destination.ts";

describeDestination("a local folder", async (root) => openLocalDestination(root));
describeDestination("a folder behind streams", async (root) => streamedDestination(root));
