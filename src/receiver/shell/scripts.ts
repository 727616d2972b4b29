import { lockFolderName, lockTextName } from "../../files/lock-folder.ts";

/**
 * What runs in the pod: POSIX sh and the tools that GNU and busybox both have. Paths come as
 * arguments or NUL-separated by standard input, never within a script; "./" before each keeps a
 * dash from being an option. `$1` is the root, an input's length the last argument.
 */

/** Works in the root, by its real path, from here on. */
const enter = `cd -P -- "$1" || { end 71; exit; }
root=$PWD
`;

export const noRoot = 71;
export const inTheWay = 72;
export const otherVolume = 73;
export const stillBusy = 75;

/**
 * `into PATH` works in the folder that holds PATH, and fails where any part of that is a link: the
 * folder is entered first, and its real path must be the one that was asked for.
 */
const into = `into() {
  case $1 in ./*/*) parent=\${1#./}; parent=/\${parent%/*};; *) parent=;; esac
  cd -P -- "$root$parent/" 2>/dev/null && [ "$PWD" = "$root$parent" ]
}
`;

/** As a script that xargs runs for some of the paths at a time. */
const lookAtSome = `why=; last=
format='S %f %s %b %B %u %g %d %i %h %Y %y @ %Z %z'
folders() {
  rest=\${1#./}
  case $rest in */*) rest=\${rest%/*};; *) why=; return;; esac
  [ "$rest" = "$last" ] && { why=$lastwhy; return; }
  last=$rest; at=.; depth=0; why=
  while :; do
    at=$at/\${rest%%/*}
    if [ -L "$at" ]; then why="B $depth link"
    elif [ -d "$at" ]; then [ -x "$at" ] || why="B $depth closed"
    elif [ -e "$at" ]; then why="B $depth other"
    else why=A; fi
    [ -n "$why" ] && break
    case $rest in */*) rest=\${rest#*/}; depth=$((depth + 1));; *) break;; esac
  done
  lastwhy=$why
}
left=$#
while [ "$left" -gt 0 ]; do
  path=$1; shift; left=$((left - 1))
  folders "$path"
  if [ -n "$why" ]; then echo "$why"
  elif [ -e "$path" ] || [ -L "$path" ]; then echo H; set -- "$@" "$path"
  else echo A; fi
done
[ $# -eq 0 ] && exit
found=$(TZ=UTC0 stat -c "$format" -- "$@" 2>/dev/null) && echo "$found" || for path; do
  TZ=UTC0 stat -c "$format" -- "$path" 2>/dev/null || echo S
done
for path; do
  [ -L "$path" ] && { printf 'T '; readlink -- "$path" | od -An -v -tx1 | tr -d ' \\n'; echo; }
done
exit 0`;

/** Tells of each path what is there; `$2` is the script for some of them. */
export const look = {
  script: `${enter}head -c "$3" | xargs -0 -n 250 sh -c "$2" sh; end $?`,
  some: lookAtSome,
};

export const check = `${enter}
if [ -r . ] && [ -w . ] && [ -x . ]; then printf '%s' "$PWD"; end 0; else end 77; fi`;
export const notWritable = 77;

export const names = `${enter}set +f
for name in * .[!.]* ..?*; do [ -e "./$name" ] || [ -L "./$name" ] && printf '%s\\0' "$name"; done
end 0`;

export const space = `${enter}stat -f -c '%a %S %c %d' .; end $?`;

export const sync = `${enter}sync -f . 2>/dev/null || sync; end $?`;

/**
 * Ends what bears the mark of the third argument, as the environment of each program of ours does.
 * What grep found counts whatever its exit code: it has an error for each process that is not ours.
 */
const leave = `tries=0; set +f
while found=$(grep -ls -- "$3" /proc/[0-9]*/environ); [ -n "$found" ]; do
  [ "$tries" -lt 150 ] || { end 75; exit; }
  signal=TERM; [ "$tries" -lt 30 ] || signal=KILL
  for one in $found; do one=\${one#/proc/}; kill -s $signal "\${one%/environ}" 2>/dev/null; done
  tries=$((tries + 1)); sleep 0.1 2>/dev/null || sleep 1
done
set -f
`;

/** `$2` is the folder's name. */
export const makeTemporary = `${enter}${leave}
mkdir -m 700 -- "./$2" 2>/dev/null
if [ -L "./$2" ] || ! [ -d "./$2" ]; then
  [ -e "./$2" ] || [ -L "./$2" ] || mkdir -m 700 -- "./$2" || { end 1; exit; }
  end 72; exit
fi
[ "$(stat -c %d -- "./$2")" = "$(stat -c %d .)" ] || { end 73; exit; }
cd -P -- "./$2" && [ "$PWD" = "$root/$2" ] || { end 72; exit; }
rm -rf ./unfinished ./staging ./list && mkdir -m 700 ./unfinished ./staging && { [ -d ./partial ] || mkdir -m 700 ./partial; }
end $?`;

export const removeTemporary = `${enter}${leave}
rm -rf -- "./$2"; end $?`;

/** `$2` is the path; says whether there was anything. */
export const clear = `${enter}${into}
into "$2" || { printf no; end 0; exit; }
name=\${2##*/}
[ -e "./$name" ] || [ -L "./$name" ] || { printf no; end 0; exit; }
rm -rf -- "./$name" && { sync -f . 2>/dev/null || sync; } && printf yes; end $?`;

/** Below the root, never by way of a link. */
const intoLocks = `cd -P -- ./${lockFolderName} 2>/dev/null && [ "$PWD" = "$root/${lockFolderName}" ]`;
const intoLock = `${intoLocks} && cd -P -- "./$2" 2>/dev/null && [ "$PWD" = "$root/${lockFolderName}/$2" ]`;

export const noLock = 74;

/**
 * A name that comes and goes moves the time of the root, which `restore` sets back: from a file
 * elsewhere, as not every touch takes fractions of a second.
 */
const noteTime = `time=$(mktemp 2>/dev/null || mktemp -p /dev/shm 2>/dev/null)
trap '[ -z "$time" ] || rm -f -- "$time"' EXIT
[ -z "$time" ] || touch -r . "$time"
restore() { cd -P -- "$root/" && { [ -z "$time" ] || touch -c -r "$time" .; } 2>/dev/null; }
`;

/** Locks as `files/lock-folder.ts` keeps them; `$2` is a name, `$3` a text. */
export const locks = {
  names: `${enter}${intoLocks} || { end 0; exit; }
set +f
for name in *; do [ -d "./$name" ] && printf '%s\\0' "$name"; done
end 0`,
  read: `${enter}${intoLock} && cat ./${lockTextName} 2>/dev/null || { end 74; exit; }
end 0`,
  create: `${enter}${noteTime}
[ -d ./${lockFolderName} ] || mkdir -m 770 ./${lockFolderName} || { end 1; exit; }
${intoLocks} || { end 72; exit; }
[ -d "./$2" ] || mkdir -m 770 -- "./$2" || { end 1; exit; }
cd -P -- "./$2" && [ "$PWD" = "$root/${lockFolderName}/$2" ] || { end 72; exit; }
printf '%s' "$3" >./${lockTextName} || { end 1; exit; }
restore; end 0`,
  write: `${enter}${intoLock} && [ -f ./${lockTextName} ] || { end 74; exit; }
printf '%s' "$3" >./${lockTextName}; end $?`,
  remove: `${enter}${noteTime}
${intoLocks} || { end 0; exit; }
if [ -d "./$2" ]; then mv -- "./$2" "./$2.gone" || { end 1; exit; }; fi
set +f; rm -rf -- ./*.gone
cd -P -- "$root/" && rmdir ./${lockFolderName} 2>/dev/null
restore; end 0`,
};

/** How so many bytes are read and no more: not every head leaves the rest to the next reader. */
const take = `if [ "$(printf abcdef | { head -c 3 >/dev/null; cat; })" = def ]; then take() { head -c "$1"; }
elif [ "$(printf abcdef | { dd bs=3 count=1 iflag=fullblock 2>/dev/null >&2; cat; })" = def ]; then
  take() { dd bs="$1" count=1 iflag=fullblock 2>/dev/null; }
else end 78; exit; fi
`;
export const noExactReader = 78;

/** Its arguments after the folder's name are tar's; its input comes in pieces with their lengths. */
export const unpack = `${enter}${take}
gnu=
for name in tar gtar; do
  case $($name --version 2>&1) in *'GNU tar'*) gnu=$name; break;; esac
done
[ -n "$gnu" ] || { end 79; exit; }
cd -P -- "./$2/staging" && [ "$PWD" = "$root/$2/staging" ] || { end 72; exit; }
shift 2
{ while read -r length && [ "$length" -gt 0 ]; do take "$length" || break; done; } | {
  $gnu "$@" >/dev/null; code=$?
  end "$code"
  cat >/dev/null
}`;
export const noGnuTar = 79;

export const rsync = `${enter}shift
rsync "$@"; end $?`;

export const rsyncVersion = "rsync --version; end $?";

/** Whether the rsync there goes on with what is in an absolute folder for partial files. */
export const rsyncResumes = `folder=$(mktemp -d) || { end 1; exit; }
cd "$folder" && mkdir source target partial && head -c 131072 /dev/urandom >source/file \\
  && head -c 65536 source/file >partial/file \\
  && rsync --no-whole-file --times --partial-dir="$folder/partial" -- source/file target/ \\
  && cmp -s source/file target/file
code=$?; cd / && rm -rf -- "$folder"
end "$code"`;

/** As a script that xargs runs for some of "MODE:PATH", MODE being "-" where it stays as it is. */
const moveSome = `root=$1; staging=$2; shift 2
${into}
for one; do
  mode=\${one%%:*}; path=\${one#*:}; staged=$staging/\${path#./}
  if ! into "$path"; then echo folder; continue; fi
  name=./\${path##*/}
  [ -d "$name" ] && ! [ -L "$name" ] && { echo 'failed Is a directory'; continue; }
  said=$({ [ "$mode" = - ] || chmod -- "$mode" "$staged"; } 2>&1 && mv -f -- "$staged" . 2>&1) && echo moved || {
    said=$(printf '%s' "$said" | tr '\\n' ' '); echo "failed $said"
  }
done
exit 0`;

/** Moves what was staged; `$2` is the folder's name, `$3` the script for some of them. */
export const move = {
  script: `${enter}list=$root/$2/list
cd -P -- "./$2" && [ "$PWD" = "$root/$2" ] || { end 72; exit; }
head -c "$4" >./list
[ "$(wc -c <./list)" -eq "$4" ] || { end 76; exit; }
xargs -0 -n 200 sh -c "$3" sh "$root" "$root/$2/staging" <./list
code=$?; rm -f "$list"
end "$code"`,
  some: moveSome,
};

/**
 * As a script that xargs runs for some of "MODE:OWNER:TIME:PATH", OWNER being "-" where it is to
 * stay, and TIME seconds with a fraction, or "-".
 */
const folderSome = `root=$1; shift
${into}
for one; do
  mode=\${one%%:*}; one=\${one#*:}; owner=\${one%%:*}; one=\${one#*:}; time=\${one%%:*}; path=\${one#*:}
  if [ "$path" = . ]; then cd -P -- "$root/" && name=. || { echo folder; continue; }
  elif into "$path"; then name=./\${path##*/}
  else echo folder; continue; fi
  said=$({
    if [ -L "$name" ]; then echo 'a link is there: Not a directory'; false
    elif [ -d "$name" ]; then :
    else mkdir -- "$name"; fi &&
    { [ "$owner" = - ] || chown -- "\${owner%.*}:\${owner#*.}" "$name"; } && chmod -- "$mode" "$name" &&
    { [ "$time" = - ] || touch -c -d "@$time" -- "$name"; }
  } 2>&1) && echo moved || { said=$(printf '%s' "$said" | tr '\\n' ' '); echo "failed $said"; }
done
exit 0`;

export const folders = {
  script: `${enter}head -c "$3" | xargs -0 -n 200 sh -c "$2" sh "$root"; end $?`,
  some: folderSome,
};

/** As a script that xargs runs for some of "TYPE:PATH"; `d` is a folder, which must be empty. */
const removeSome = `root=$1; shift
${into}
for one; do
  type=\${one%%:*}; path=\${one#*:}; name=./\${path##*/}
  into "$path" || { echo moved; continue; }
  if ! [ -e "$name" ] && ! [ -L "$name" ]; then echo moved; continue; fi
  said=$(if [ "$type" = d ]; then rmdir -- "$name"; else rm -f -- "$name"; fi 2>&1) && echo moved || {
    said=$(printf '%s' "$said" | tr '\\n' ' '); echo "failed $said"
  }
done
exit 0`;

export const remove = {
  script: `${enter}head -c "$3" | xargs -0 -n 200 sh -c "$2" sh "$root"; end $?`,
  some: removeSome,
};

/** Answers one line for each path that comes as a line of octal digits, until none comes. */
export const hash = `${enter}${into}
if command -v sha256sum >/dev/null; then digest() { sha256sum; }
elif command -v openssl >/dev/null; then digest() { openssl dgst -sha256 -r; }
else end 80; exit; fi
trap 'exit 0' PIPE
while IFS= read -r line; do
  path=$(printf '%b_' "$line"); path=\${path%_}; name=./\${path##*/}
  if ! into "$path"; then echo ENOENT; cd -P -- "$root/"; continue; fi
  if [ -L "$name" ]; then echo ELOOP
  elif ! [ -e "$name" ]; then echo ENOENT
  elif ! [ -f "$name" ]; then echo E_REFUSED
  elif sum=$(digest <"$name" 2>/dev/null) && [ "\${#sum}" -ge 64 ]; then echo "\${sum%% *}" "$(stat -c %s -- "$name")"
  elif ! [ -r "$name" ]; then echo EACCES
  else echo EIO; fi
done
end 0`;
export const noDigest = 80;

/** What there is: a word and its value in each line. */
export const facts = `for tool in env stat xargs head mkdir rm mv chmod chown cat od tr grep readlink touch wc date id uname; do
  command -v "$tool" >/dev/null || echo "missing $tool"
done
[ -r /proc/self/status ] || echo 'missing /proc'
echo "uid $(id -u)"; echo "gid $(id -g)"; echo "architecture $(uname -m)"; echo "clock $(date +%s)"
while read -r word value; do [ "$word" = CapEff: ] && echo "capabilities $value"; done </proc/self/status
echo "times $(TZ=UTC0 stat -c %z / /proc/self /dev 2>/dev/null | tr '\\n' ' ')"
echo "rsync $(rsync --version 2>/dev/null | head -n 1)"
end 0`;
