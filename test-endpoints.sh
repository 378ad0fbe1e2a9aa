#!/usr/bin/env bash
# Looks at a running deployment as a client and as an operator would, and ends with 1 when something is not as it should be.
# It touches neither the breaker nor anybody's limit, unless --drill says so.
#   ./test-endpoints.sh [--url http://localhost:5000] [--admin http://localhost:9901] [--wait SECONDS] [--drill]
set -euo pipefail

url=http://localhost:5000
admin=http://localhost:9901
wait_seconds=0
drill=no

usage() {
  sed -n '2,4s/^# \{0,3\}//p' "$0"
  exit "$1"
}

while [ $# -gt 0 ]; do
  case $1 in
    --url | --admin | --wait)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; usage 64; }
      case $1 in --url) url=${2%/} ;; --admin) admin=${2%/} ;; --wait) wait_seconds=$2 ;; esac
      shift 2
      ;;
    --drill) drill=yes; shift ;;
    -h | --help) usage 0 ;;
    *) echo "unknown argument: $1" >&2; usage 64 ;;
  esac
done
[[ $wait_seconds =~ ^[0-9]+$ ]] || { echo "--wait: expected a whole number of seconds, got \"$wait_seconds\"" >&2; exit 64; }

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
failed=0

# status PATH [curl arguments]: the status, 000 when nothing answers; header and body go to $answer
status() {
  local target=$1
  shift
  curl -s -i -m 10 -o "$answer" -w '%{http_code}' "$@" "$target" || true
}

# expect WHAT STATUS PATTERN TARGET [curl arguments]
expect() {
  local what=$1 wanted=$2 pattern=$3 target=$4 got
  shift 4
  got=$(status "$target" "$@")
  if [ "$got" = "$wanted" ] && grep -qiE -- "$pattern" "$answer"; then
    echo "ok    $what"
  else
    failed=$((failed + 1))
    echo "FAIL  $what: expected $wanted and /$pattern/, got $got from $target"
    sed -n '1,20p' "$answer" | sed 's/^/      /'
  fi
}

until [ "$(status "$url/ready")" = 200 ] || [ "$wait_seconds" -le 0 ]; do
  wait_seconds=$((wait_seconds - 1))
  sleep 1
done

# Redis may be late for a moment on a machine that is busy with the start: what lasts counts.
for _ in {1..10}; do
  status "$url/health" > /dev/null
  grep -qiE '"status": ?"degraded"' "$answer" || break
  sleep 1
done
expect 'the process is well' 200 '"status": ?"ok"' "$url/health"
expect 'it is ready' 200 'ready' "$url/ready"
expect 'a request reaches the upstream' 200 '^HTTP/1.1 200' "$url/proxy/ok"
expect 'a body reaches the upstream' 200 '"bytes": ?11' "$url/proxy/echo" --data-binary 'hello world'
expect 'an unknown path is refused as problem+json' 404 'content-type: application/problem\+json' "$url/there-is-nothing-here"
expect 'a path that is none is refused' 400 'problem\+json' "$url/proxy/ok" --request-target '/proxy/%zz'
expect 'metrics are there' 200 '^http_requests_total' "$admin/metrics"
expect 'the admin port is ready' 200 'ready' "$admin/ready"

if [ "$drill" = yes ]; then
  echo 'drill: the breaker opens and closes, a client runs into its limit'
  for _ in {1..20}; do status "$url/proxy/fail" > /dev/null; done
  expect 'the breaker is open' 503 'circuit_open|breaker' "$url/proxy/ok"
  for _ in {1..70}; do
    [ "$(status "$url/proxy/ok")" != 200 ] || break
    sleep 1
  done
  expect 'the breaker has closed again' 200 '^HTTP/1.1 200' "$url/proxy/ok"
  refused=$(curl -s -Z --no-progress-meter --parallel-max 20 -o /dev/null -w '%{http_code}\n' "$url/proxy/ok?[1-2500]" | grep -c '^429' || true)
  if [ "$refused" -gt 0 ]; then echo "ok    a client beyond its limit gets 429 ($refused of 2500)"; else
    failed=$((failed + 1))
    echo 'FAIL  2500 requests at once and not one 429: see RATE_LIMIT_CAPACITY and RATE_LIMIT_ALLOWLIST'
  fi
fi

if [ "$failed" -gt 0 ]; then
  echo "$failed failed. What the gateway itself says: docker-compose exec proxy-service gateway status; docker-compose logs --tail=50 proxy-service" >&2
  exit 1
fi
echo 'all well'
