#!/bin/sh
# Makes a base image's files into the root of ours: adds what is missing, removes what is not called.
# prepare-root.sh [ARCHITECTURE]
set -eu

architecture=$(dpkg --print-architecture | sed 's/^ppc64el$/ppc64le/')
if [ -n "${1:-}" ] && [ "$1" != "$architecture" ]; then
  echo "The base image is for $architecture, not for $1: name another with BASE_IMAGE" >&2
  exit 1
fi
if ! node -e 'process.exit(parseInt(process.versions.node, 10) < 24 ? 1 : 0)'; then
  echo "The base image has no Node.js 24 or later: name another with BASE_IMAGE" >&2
  exit 1
fi

missing=
for name in rsync tar tini; do
  command -v "$name" >/dev/null || missing="$missing $name"
done
if [ -n "$missing" ]; then
  apt-get update -qq
  # Several words: one for each package.
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# Package managers of Node.js, and what only people and compilers read; licences stay.
rm -rf /usr/local/lib/node_modules /usr/local/include /usr/local/share /opt/yarn* /opt/migctl
for name in npm npx corepack yarn yarnpkg nodejs docker-entrypoint.sh; do
  rm -f "/usr/local/bin/$name"
done
rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/man /usr/share/info \
  /usr/share/locale /root/.npm
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -depth -type d -empty -delete

# Nobody becomes somebody else in there.
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
