#!/usr/bin/env bash
# A real Docker engine for the deployment tests, without a service and without touching this machine's network.
#   engine.sh install FOLDER         unpacks engine, command, compose and buildx of Debian trixie below FOLDER (nothing is installed but runc, iptables, debootstrap)
#   engine.sh start FOLDER build     in this machine's network, without bridge: `docker build --network=host` reaches the registries
#   engine.sh start FOLDER run       in a network namespace of its own, with bridge: service names, published ports; nothing leaves it
#   engine.sh stop FOLDER
#   engine.sh environment FOLDER     lines for `source`
# Images stay in FOLDER between build and run. Root on Debian only.
set -euo pipefail

folder=$(realpath -m "${2:?a folder}")
namespace=gw-docker-$(printf '%s' "$folder" | cksum | cut -d' ' -f1)
packages=$folder/packages
socket=$folder/docker.sock
export PATH=$packages/docker.io/usr/sbin:$packages/containerd/usr/bin:$packages/docker-cli/usr/bin:$PATH

install_packages() {
  [ ! -e "$packages/.complete" ] || return 0
  local missing=() program
  for program in debootstrap iptables runc; do command -v "$program" > /dev/null || missing+=("$program"); done
  if [ "${#missing[@]}" -gt 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null
  fi
  # An apt of its own, so that the machine's package lists stay those of its release.
  local apt=$folder/apt mirror
  mkdir -p "$apt"/{lists/partial,archives/partial} "$folder/debs" "$packages"
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2> /dev/null | head -n 1)
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "${mirror:-http://deb.debian.org/debian}" > "$apt/trixie.sources"
  cat > "$apt/apt.conf" << END
Dir::Etc::sourcelist "$apt/trixie.sources";
Dir::Etc::sourceparts "-";
Dir::State "$apt";
Dir::State::status "/dev/null";
Dir::Cache "$apt";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
  (
    export APT_CONFIG=$apt/apt.conf
    apt-get -qq update
    cd "$folder/debs"
    apt-get -qq download docker.io docker-cli docker-compose docker-buildx containerd
  )
  local deb name
  for deb in "$folder"/debs/*.deb; do
    name=$(basename "$deb")
    dpkg -x "$deb" "$packages/${name%%_*}"
  done
  mkdir -p "$folder/config/cli-plugins" "$folder/bin"
  ln -sf "$packages"/docker-compose/usr/libexec/docker/cli-plugins/docker-compose \
    "$packages"/docker-buildx/usr/libexec/docker/cli-plugins/docker-buildx "$folder/config/cli-plugins/"
  ln -sf "$packages"/docker-compose/usr/libexec/docker/cli-plugins/docker-compose "$packages"/docker-cli/usr/bin/docker "$folder/bin/"
  touch "$packages/.complete"
}

start_engine() {
  local enter=() network=(--bridge=none --iptables=false --ip6tables=false --ip-forward=false)
  # What build mode remembers of bridges would come up in the machine's own network, and the other way round.
  rm -f "$folder/data/network/files/local-kv.db"
  if [ "$1" = run ]; then
    ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    enter=(nsenter "--net=/var/run/netns/$namespace")
    "${enter[@]}" sysctl -qw net.ipv4.ip_forward=1
    network=(--bip 172.31.255.1/24 --default-address-pool 'base=172.31.0.0/17,size=24' --ip6tables=false)
  fi
  "${enter[@]}" setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --host "unix://$socket" \
    --pidfile "$folder/dockerd.pid" --storage-driver overlay2 "${network[@]}" > "$folder/dockerd-$1.log" 2>&1 < /dev/null &
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    ! docker --host "unix://$socket" info > /dev/null 2>&1 || return 0
    sleep 0.1
  done
  tail -n 20 "$folder/dockerd-$1.log" >&2
  return 1
}

stop_engine() {
  local pid
  pid=$(cat "$folder/dockerd.pid" 2> /dev/null || true)
  if [ -n "$pid" ]; then
    kill "$pid" 2> /dev/null || true
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
  fi
  umount "$folder"/exec/netns/* 2> /dev/null || true
  ip netns del "$namespace" 2> /dev/null || true
}

case ${1:?install, start, stop or environment} in
  install) install_packages ;;
  start) start_engine "${3:?build or run}" ;;
  stop) stop_engine ;;
  environment)
    printf 'export DOCKER_HOST=unix://%s DOCKER_CONFIG=%s PATH=%s:"%s" ENGINE_NETWORK=/var/run/netns/%s\n' \
      "$socket" "$folder/config" "$folder/bin" "$PATH" "$namespace"
    ;;
  *) echo "engine.sh: unknown: $1" >&2; exit 64 ;;
esac
