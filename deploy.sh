#!/usr/bin/env bash
# Brings this machine's gateways to the state of this folder: checks first, then builds, starts one after the other,
# verifies, and goes back to the former image when that fails. Run it as often as you like.
#   bash deploy.sh prod|staging|local [--dry-run] [--no-build] [--drill]
#     prod       docker-compose.prod.yml, as .env says
#     staging    the same, and the drill of test-endpoints.sh (opens the breaker, meets a limit)
#     local      docker-compose.yml: for trying out, without secrets
#     --dry-run  checks, says what would be done, changes nothing
#     --no-build takes the images that are here
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

IMAGE=resilient-api-gateway
HEALTHY_WITHIN_SECONDS=90
# A container that ended so often is not going to get healthy.
RESTARTS=4
NEEDED_MEGABYTES=2048

say() { printf '%s\n' "$*"; }
fail() {
  printf 'deploy.sh: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  what to do: %s\n' "$2" >&2
  exit 1
}
usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 64
}

target=${1:-}
case $target in prod | staging | local) shift ;; -h | --help | *) usage ;; esac
dry_run=no build=yes drill=no
[ "$target" != staging ] || drill=yes
for argument in "$@"; do
  case $argument in
    --dry-run) dry_run=yes ;;
    --no-build) build=no ;;
    --drill) drill=yes ;;
    *) usage ;;
  esac
done

# run COMMAND...: says it, and does it unless --dry-run
run() {
  if [ "$dry_run" = yes ]; then say "would run: $*"; else "$@"; fi
}

# --- checks: all problems at once ------------------------------------------------------------------------------------
problems=()
problem() { problems+=("$1"$'\n'"  what to do: $2"); }

compose=()
find_compose() {
  if docker compose version > /dev/null 2>&1; then compose=(docker compose)
  elif command -v docker-compose > /dev/null; then compose=(docker-compose)
  else problem 'neither "docker compose" nor "docker-compose" is there' 'apt-get install docker-compose'; fi
}

check_engine() {
  if ! command -v docker > /dev/null; then
    problem 'docker is not installed' 'apt-get install docker.io docker-compose, or https://docs.docker.com/engine/install/'
    return
  fi
  if ! docker info > /dev/null 2>&1; then
    problem 'no Docker engine answers' 'systemctl start docker; if it runs, add your user to the group docker, or use sudo'
    return
  fi
  find_compose
  local root free
  root=$(docker info -f '{{.DockerRootDir}}')
  free=$(df -Pm "$root" 2> /dev/null | awk 'NR == 2 { print $4 }')
  if [ -n "$free" ] && [ "$free" -lt "$NEEDED_MEGABYTES" ]; then
    problem "only $free MB are free in $root, $NEEDED_MEGABYTES are needed" 'docker image prune -f; or make room on that disk'
  fi
}

setting() { sed -n "s/^$1=//p" .env | tail -n 1; }

check_settings() {
  [ "$target" != local ] || return 0
  if [ ! -f .env ]; then
    problem 'there is no .env' 'cp .env.prod .env, then edit it'
    return
  fi
  local name
  for name in COMPOSE_FILE COMPOSE_PROJECT_NAME UPSTREAM_URL REDIS_URL; do
    [ -n "$(setting "$name")" ] || problem ".env has no $name" "take the line from .env.prod"
  done
  # The containers read the file as user 1000.
  [ "$(($(stat -c '0%a' .env) & 04))" -ne 0 ] || [ "$(stat -c %u .env)" = 1000 ] ||
    problem '.env cannot be read by user 1000, as which the gateway runs' 'chmod 644 .env (secrets do not belong in it)'
  local line
  while IFS= read -r line; do
    problem ".env holds a secret: $line" "the value into secrets/${line,,}, that file into \"secrets:\" of docker-compose.prod.yml as redis_password is, and ${line}_FILE=/run/secrets/${line,,} into .env"
  done < <(grep -oE '^([A-Z_]+=[a-z]+://[^/@]*:[^/@]+@|(ADMIN_TOKEN|REDIS_PASSWORD|REDIS_SENTINEL_PASSWORD|BACKUP_S3_SECRET_ACCESS_KEY)=.)' .env | cut -d= -f1)
}

# Of the compose file, as docker-compose 1.29 or 2 prints it.
published_ports() {
  "${compose[@]}" config | sed -nE 's/^ *(- )?published: "?([0-9]+)"?$/\2/p; s/^ *- "?([0-9.]+:)?([0-9]+):[0-9]+(\/tcp)?"?$/\2/p' | sort -nu
}

# A port is ours when one of our containers publishes it.
check_ports() {
  local port
  for port in $(published_ports); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null &&
      ! docker ps --format '{{.Ports}}' 2> /dev/null | grep -q ":$port->"; then
      problem "port $port is taken by another program" "ss -ltnp 'sport = :$port' says which; stop it"
    fi
  done
}

check_engine
check_settings
if [ "${#compose[@]}" -gt 0 ] && { [ "$target" = local ] || [ -f .env ]; }; then
  file=docker-compose.prod.yml
  [ "$target" != local ] || file=docker-compose.yml
  compose+=(-f "$file")
  if reason=$("${compose[@]}" config -q 2>&1); then check_ports; else problem "$file is not valid: $reason" 'mend the file or .env'; fi
fi
if [ "${#problems[@]}" -gt 0 ]; then
  printf 'deploy.sh: not started, nothing was changed\n' >&2
  printf -- '- %s\n' "${problems[@]}" >&2
  exit 1
fi

# --- what the containers need ----------------------------------------------------------------------------------------
# make_secret NAME VALUE: unless it is there
make_secret() {
  [ ! -s "secrets/$1" ] || return 0
  if [ "$dry_run" = yes ]; then say "would make secrets/$1"; return; fi
  # The folder keeps other users of this machine out; the file itself is read by the containers' users.
  (umask 077 && mkdir -p secrets)
  printf '%s' "$2" > "secrets/$1.new"
  chmod 444 "secrets/$1.new"
  mv "secrets/$1.new" "secrets/$1"
  say "made secrets/$1"
}

make_backup_folder() {
  [ ! -d redis-backups ] || return 0
  run mkdir -p redis-backups
  [ "$dry_run" = no ] || return 0
  # Written by user 1000 of the containers.
  [ "$(id -u)" = 1000 ] || chown 1000:1000 redis-backups 2> /dev/null || chmod 1777 redis-backups
  say 'made redis-backups/'
}

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

if [ "$target" != local ]; then
  make_secret admin_token "$(random)"
  make_secret redis_password "$(random)"
  make_secret jobs_redis_url "redis://:$(cat secrets/redis_password 2> /dev/null || true)@redis-jobs:6379"
  make_backup_folder
fi

# --- images ------------------------------------------------------------------------------------------------------------
has_image() { docker image inspect "$1" > /dev/null 2>&1; }

container_of() { "${compose[@]}" ps -q "$1" 2> /dev/null | head -n 1; }
image_id() { docker image inspect -f '{{.Id}}' "$1" 2> /dev/null || true; }

# running_image SERVICE IMAGE: of the container that runs, whatever the tag says by now; without one what the tag says
running_image() {
  local id
  id=$(container_of "$1")
  if [ -n "$id" ]; then docker inspect -f '{{.Image}}' "$id"; else image_id "$2:latest"; fi
}

# proxy-service, proxy-service-2 and as many more as the compose file has.
gateways=() background=()
while IFS= read -r service; do
  case $service in
    proxy-service | proxy-service-[0-9]*) gateways+=("$service") ;;
    jobs | upstream-service) ;;
    *) background+=("$service") ;;
  esac
done < <("${compose[@]}" config --services | sort)
images=("$IMAGE")
[ "$target" = local ] || images+=("$IMAGE-jobs")
declare -A former
former[$IMAGE]=$(running_image proxy-service "$IMAGE")
former[$IMAGE-jobs]=$(running_image jobs "$IMAGE-jobs")

if [ "$build" = yes ]; then
  revision=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
  if [ "$dry_run" = yes ]; then say "would build ${images[*]} ($revision)"
  else
    say "building ${images[*]} ($revision)"
    built=("proxy-service")
    [ "$target" = local ] || built+=("jobs")
    "${compose[@]}" build --build-arg "REVISION=$revision" "${built[@]}" ||
      fail 'the image does not build; what runs is untouched' 'the last lines above say why; without network use --no-build'
  fi
else
  has_image "$IMAGE:latest" || fail "there is no image $IMAGE:latest" 'leave --no-build out'
fi

# What is to be gone back to; none where the images are those that run.
changed=()
for image in "${images[@]}"; do
  if [ -n "${former[$image]}" ] && [ "${former[$image]}" != "$(image_id "$image:latest")" ]; then
    changed+=("$image")
    run docker tag "${former[$image]}" "$image:previous"
  fi
done

# --- start, one after the other ------------------------------------------------------------------------------------------
wait_healthy() {
  local service=$1 until=$((SECONDS + HEALTHY_WITHIN_SECONDS)) id state='not there' restarts=0
  while [ "$SECONDS" -lt "$until" ] && [ "$restarts" -lt "$RESTARTS" ]; do
    id=$(container_of "$service")
    [ -z "$id" ] || read -r restarts state < <(docker inspect -f '{{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$id" 2> /dev/null || echo 0 gone)
    [ "$state" != healthy ] || return 0
    sleep 0.2
  done
  say "$service is $state, restarted $restarts times; its last lines:"
  "${compose[@]}" logs --tail=15 "$service" || true
  return 1
}

start_background() {
  run "${compose[@]}" up -d --no-deps "${background[@]}" || return 1
  # The demo is of the same image. It stands for a service that nobody restarts because its gateway is new.
  run "${compose[@]}" up -d --no-deps --no-recreate upstream-service || return 1
  [ "$dry_run" = no ] || return 0
  local service
  for service in "${background[@]}" upstream-service; do wait_healthy "$service" || return 1; done
}

# An edited .env changes no hash of compose's, since it is a mount: hence --force-recreate.
roll() {
  local service
  for service in "${gateways[@]}"; do
    run "${compose[@]}" up -d --no-deps --force-recreate "$service" || return 1
    [ "$dry_run" = no ] || continue
    wait_healthy "$service" || return 1
    say "$service runs"
    sleep 1.2 # nginx leaves one that refused alone for a second (fail_timeout)
  done
  [ "$target" != local ] || return 0
  run "${compose[@]}" up -d --no-deps --force-recreate jobs || return 1
  [ "$dry_run" = yes ] || wait_healthy jobs
}

# local_url SERVICE PORT: where a port of a service is on this machine
local_url() { printf 'http://localhost:%s' "$("${compose[@]}" port "$1" "$2" | sed 's/.*://')"; }

verify() {
  local service arguments=()
  [ "$drill" = no ] || arguments=(--drill) # of the first: limits and breakers are of all
  for service in "${gateways[@]}"; do
    if [ "$dry_run" = yes ]; then say "would run: ./test-endpoints.sh for $service ${arguments[*]}"
    else
      ./test-endpoints.sh --url "$(local_url "$service" 5000)" --admin "$(local_url "$service" 9901)" --wait 30 "${arguments[@]}" || return 1
    fi
    arguments=()
  done
}

go_back() {
  say 'going back to the former image'
  local image
  for image in "${changed[@]}"; do docker tag "${former[$image]}" "$image:latest"; done
  start_background && roll
}

started=no
if start_background; then
  started=yes
  if roll && verify; then
    if [ "$dry_run" = yes ]; then say 'nothing was changed'; else say "done: http://localhost:5000 serves $IMAGE"; fi
    exit 0
  fi
fi
if [ "${#changed[@]}" -gt 0 ]; then
  go_back || fail 'the former image does not get healthy either' 'docker-compose ps; docker-compose logs --tail=50 proxy-service'
  fail 'the new image failed; the former one serves again' 'the output above says what failed'
fi
if [ "$started" = no ]; then
  fail 'Redis or the upstream does not start; the gateways are as they were' 'docker-compose logs redis upstream-service'
fi
fail 'the gateways do not pass, and the image is the one that ran before' 'docker-compose logs --tail=50 proxy-service; what has changed is .env, or what it needs: docker-compose exec proxy-service gateway doctor'
