/** Names the folder of one migration, wherever it is to be read without a plan. */
export const folderArgument = {
  type: "string",
  describe: "The migration's folder: <work-dir>/<name>",
  value: "DIR",
  required: true,
  env: "MIGCTL_FOLDER",
} as const;
