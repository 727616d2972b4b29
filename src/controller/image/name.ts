import { MigrationError } from "../../core/errors.ts";

/** What `npm run image` names its images; a registry is never asked for this name. */
const localRepository = "localhost/migctl";

/** As a node tells its own (Go's names). */
const architectures: readonly string[] = ["amd64", "arm64", "ppc64le"];

export interface ImageChoice {
  /** The node's. */
  architecture: string;
  /** Of this program. */
  version: string;
  /** A repository, or with a tag or digest the whole name. */
  image?: string;
  tag?: string;
}

/** The image for a node: where nothing is chosen, the one of the program's own version. */
export function imageFor({ architecture, version, image, tag }: ImageChoice): string {
  const repository = image ?? localRepository;
  if (hasTagOrDigest(repository)) {
    if (tag === undefined) return checkImage(repository);
    throw new MigrationError("E_USAGE", `The image "${repository}" has a tag already`, {
      hint: `Leave out the tag "${tag}", or name the image without one`,
    });
  }
  return checkImage(`${repository}:${tag ?? ownTag(version, architecture)}`);
}

/** Both the version and the architecture: one registry holds the images of all nodes. */
function ownTag(version: string, architecture: string): string {
  if (architectures.includes(architecture)) {
    return `${version.replaceAll("+", "_")}-${architecture}`;
  }
  throw new MigrationError("E_IMAGE", `There is no image for the architecture "${architecture}"`, {
    hint: `It is built for ${architectures.join(", ")}; name one of your own with its tag`,
  });
}

function hasTagOrDigest(image: string): boolean {
  return image.includes("@") || image.slice(image.lastIndexOf("/") + 1).includes(":");
}

const host = "(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?";
const component = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
const reference = new RegExp(
  `^(?:${host}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

/** Returns an image's name if it is one, so that no runtime takes it for a flag. */
export function checkImage(image: string): string {
  if (reference.test(image)) return image;
  throw new MigrationError("E_USAGE", `"${image}" is not the name of an image`, {
    hint: "An image is named as registry.example.com/folder/name:tag, without a scheme",
  });
}
