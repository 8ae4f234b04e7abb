# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # The variables are for the scripts that source this file.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
dev=$root/deploy/dev

# Scripts may be called by make and call make themselves: without this the inner one would look for the job server of
# the outer one.
unset MAKEFLAGS MFLAGS MAKELEVEL

# Some systems keep sbin out of the path of ordinary users.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

# Everything of the build in parallel; quiet, so that only what is really built is shown.
build() { make --no-print-directory -C "$root" -j"$(nproc)" "$@"; }

# Milliseconds since the epoch, without starting a process.
now_ms() {
  local now=$EPOCHREALTIME
  now=${now/[.,]/}
  printf '%s' "${now%???}"
}

# True when something accepts connections at host $1, port $2.
port_is_taken() {
  (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# until_true SECONDS COMMAND...: wait until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}
# What must happen has so many seconds, on a machine that has much else to do.
patience_s=60
# gone PROCESS
gone() { ! kill -0 "$1" 2>/dev/null; }

# The address that a daemon wrote to its log file $1, or nothing.
address_in_log() {
  sed -n '/event"\{0,1\}[=:]"\{0,1\}listening/s/.*address"\{0,1\}[=:]"\{0,1\}\(http[^ "]*\).*/\1/p' "$1" 2>/dev/null |
    head -n 1
}

# Wait until daemon $1 (process) with log $2 answers /ready; sets `address`. 1 when it died or took longer than $3 s.
# $4: its address when that is known before.
wait_until_ready() {
  local process=$1 log=$2 deadline=$((SECONDS + $3))
  address=${4:-}
  while kill -0 "$process" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
    if [ -z "$address" ]; then address=$(address_in_log "$log"); fi
    if [ -n "$address" ] && curl -fsS --noproxy '*' -m 10 -o /dev/null "$address$static_prefix/ready" 2>/dev/null; then
      return 0
    fi
    sleep 0.05
  done
  return 1
}
# Where the daemon's paths begin, when it is set to serve below a prefix.
static_prefix=${TALLY_STATIC_PREFIX:-}
