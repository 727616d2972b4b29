/**
 * A word that a shell in a container's args takes as it is. The kubelet expands `$(NAME)` in args
 * before any shell does, and takes `$$` for a dollar sign.
 */
export function shellWord(text: string): string {
  if (/^[\w./:=@%+,-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`.replaceAll("$", "$$$$");
}
