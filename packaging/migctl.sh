#!/bin/sh
# migctl out of its image, by docker or podman, for hosts that have no Node.js 24.
#
# It sees the current folder (read and write), the kubeconfig (read) and what MIGCTL_SH_MOUNT lists;
# it runs as the user who calls it. Variables of its own:
#   MIGCTL_SH_RUNTIME   docker or podman; without it, the first that answers
#   MIGCTL_SH_IMAGE     the image to run; without it, that of the archive beside this file
#   MIGCTL_SH_ARCHIVE   that archive
#   MIGCTL_SH_MOUNT     more files and folders that it may see and write, separated by colons
set -eu

version=@VERSION@

fail() {
  echo "Error: $1" >&2
  exit 5
}

case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
image=${MIGCTL_SH_IMAGE:-localhost/migctl:$version-$architecture}
archive=${MIGCTL_SH_ARCHIVE:-$(cd "$(dirname "$0")" && pwd)/migctl-$version-$architecture.tar.gz}

runtime=
for candidate in ${MIGCTL_SH_RUNTIME:-docker podman}; do
  if "$candidate" version >/dev/null 2>&1; then
    runtime=$candidate
    break
  fi
done
[ -n "$runtime" ] || fail "neither docker nor podman answers: start one of them, or join its group"

if ! "$runtime" image inspect "$image" >/dev/null 2>&1; then
  [ -e "$archive" ] || fail "there is no image $image, and no archive $archive to load it from"
  "$runtime" load --input "$archive" >&2
fi

# From here on "$@" grows at its front: it is the only list that keeps words whole.
set -- "$image" migctl "$@"

# bind PATH [OPTION]: makes $bind, the mount that shows the container a path of ours by its name.
bind() {
  case $1 in
    *,* | *\"*) fail "cannot show \"$1\" to the container: its name has a comma or a quote" ;;
    / | /bin | /bin/* | /dev | /dev/* | /lib* | /opt | /opt/migctl | /proc | /proc/* | /sbin | \
      /sbin/* | /sys | /sys/* | /usr | /usr/*)
      fail "cannot show \"$1\" to the container: it has one of its own; use another folder" ;;
  esac
  bind="type=bind,source=$1,target=$1${2:+,$2}"
}

# absolute PATH [FOLDER]: a path from a folder, here where none is given.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "${2:-$PWD}" "$1" ;;
  esac
}

# refers_to KUBECONFIG: the files of certificates, keys and tokens that it names.
refers_to() {
  for key in certificate-authority client-certificate client-key tokenFile; do
    sed -n "s/^[[:space:]-]*$key:[[:space:]]*//p" "$1"
  done | sed -e "s/^[\"']//" -e "s/[\"']*[[:space:]]*\$//"
}

newline='
'
seen=:
paths=
kubeconfig=
old_ifs=$IFS
IFS=:
set -f
for file in ${KUBECONFIG:-${HOME:-}/.kube/config}; do
  [ -r "$file" ] || continue
  file=$(absolute "$file")
  kubeconfig=$kubeconfig${kubeconfig:+:}$file
  paths=$paths$file$newline
  IFS=$newline
  for other in $(refers_to "$file"); do
    paths=$paths$(absolute "$other" "$(dirname "$file")")$newline
  done
  IFS=:
done
IFS=$newline
for path in $paths; do
  case $seen in *":$path:"*) continue ;; esac
  seen=$seen$path:
  [ -e "$path" ] || continue
  bind "$path" readonly
  set -- --mount "$bind" "$@"
done
bind "$PWD"
set -- --mount "$bind" "$@"
seen=$seen$PWD:
IFS=:
for path in ${MIGCTL_SH_MOUNT:-}; do
  path=$(absolute "$path")
  case $seen in *":$path:"*) continue ;; esac
  seen=$seen$path:
  bind "$path"
  set -- --mount "$bind" "$@"
done
IFS=$old_ifs
set +f
case $seen in
  *:/tmp:*) ;;
  *) set -- --tmpfs /tmp "$@" ;;
esac

# By name alone: the values are in no list of processes.
for name in $(env | sed -n 's/^\(MIGCTL_[A-Za-z0-9_]*\)=.*/\1/p' | grep -v '^MIGCTL_SH_') \
  HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy TERM NO_COLOR COLUMNS TZ; do
  eval "[ -n \"\${$name+set}\" ]" && set -- --env "$name" "$@"
done
if [ -n "$kubeconfig" ]; then
  export KUBECONFIG="$kubeconfig"
  set -- --env KUBECONFIG "$@"
fi

# Without root, the runtime's own root is the user who started it.
case $runtime in
  *podman) rootless=$("$runtime" info --format '{{.Host.Security.Rootless}}') ;;
  *) rootless=$("$runtime" info --format '{{.SecurityOptions}}' | grep -q rootless && echo true || echo false) ;;
esac
if [ "$rootless" = true ]; then
  set -- --user 0:0 "$@"
else
  set -- --user "$(id -u):$(id -g)" "$@"
fi

[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && set -- --tty "$@"

# The host's network: the API of a cluster may be known to it alone. Labels of SELinux stay as
# they are on the mounted files.
exec "$runtime" run --rm --interactive --network host --read-only --workdir "$PWD" \
  --security-opt no-new-privileges --security-opt label=disable "$@"
