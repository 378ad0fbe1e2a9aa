#!/usr/bin/env bash
# A real Kubernetes API server for the test of the manifests, of Debian bookworm's source package, which carries all that it
# needs: version 1.20, the newest that Debian has. Six minutes on two cores, once.
#   build-api-server.sh FOLDER    makes FOLDER/bin/kube-apiserver, which `npm run test:deploy -- --folder FOLDER` then uses
# Root on Debian only, for the packages of the compiler; etcd is the test's own need. kubectl is not among them: Debian's is too old for
# overlays (1.21 or newer is wanted), and cannot be installed beside another package's.
set -euo pipefail

folder=$(realpath -m "${1:?a folder}")
work=$folder/kubernetes
[ ! -x "$folder/bin/kube-apiserver" ] || exit 0
missing=()
for package in golang-go rsync dpkg-dev make etcd-server; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null
fi

# An apt of its own: the machine's need not know of source packages.
mkdir -p "$work"/{lists/partial,archives/partial} "$folder/bin"
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2> /dev/null | head -n 1)
printf 'Types: deb-src\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
  "${mirror:-http://deb.debian.org/debian}" > "$work/source.sources"
cat > "$work/apt.conf" << END
Dir::Etc::sourcelist "$work/source.sources";
Dir::Etc::sourceparts "-";
Dir::State "$work";
Dir::Cache "$work";
APT::Sandbox::User "root";
END
cd "$work"
export APT_CONFIG=$work/apt.conf
apt-get -qq update
apt-get -qq source --download-only kubernetes > /dev/null
unset APT_CONFIG
tar -xzf kubernetes_*.orig.tar.gz
cd kubernetes-*/
mkdir -p .go/src/k8s.io
ln -sfn ../../.. .go/src/k8s.io/kubernetes
env GOPATH="$PWD/.go" HOME="$work" GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' \
  KUBE_GIT_VERSION=v1.20.2 KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 \
  make WHAT=cmd/kube-apiserver
cp _output/local/bin/linux/*/kube-apiserver "$folder/bin/kube-apiserver"
rm -rf "$work"
