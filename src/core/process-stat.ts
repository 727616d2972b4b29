/**
 * The fields of /proc/PID/stat behind the program's name, which may hold blanks and parentheses: the
 * state comes first (see proc_pid_stat(5), whose field 3 that is).
 */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
