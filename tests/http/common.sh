# Shared by the programs of this folder; sourced, never run. They run under deploy/dev/with-daemon, which gives
# TALLY_TEST_CLUSTER and TALLY_TEST_TALLYD.
# shellcheck shell=bash
# shellcheck source=deploy/dev/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../deploy/dev/common.sh"

# shellcheck disable=SC2034 # for the programs that source this file
here=$root/tests/http
runner=${TALLY_TEST_BUILD:-$root/build}/tests/http-runner
# Daemons that this program started and that still run.
daemons=()

# Run this program again under with-daemon when it is not there yet.
under_daemon() {
  [ -x "$runner" ] || fail "$runner is not there: run make http-runner"
  if [ -z "${TALLY_TEST_CLUSTER:-}" ]; then exec "$dev/with-daemon" "$0" "$@"; fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/tally-http.XXXXXX")
  trap 'leave $?' EXIT
}

# leave STATUS [COMMAND...]: at the end of the program; the command stops what else it has started. After a failure the
# logs of its daemons are shown, because they go.
leave() {
  local status=$1 file
  shift
  stop_all
  if [ $# -gt 0 ]; then "$@" || true; fi
  if [ "$status" -ne 0 ]; then
    for file in "$work"/*.log; do if [ -s "$file" ]; then show_log "$file"; fi; done
  fi
  rm -rf -- "$work"
}

# show_log FILE: one line for each request is of little use; what the daemon complained about is.
show_log() {
  say "--- $(basename -- "$1"): its last warnings and errors, then its last lines" >&2
  { grep -avE 'level"?[=:]"?(debug|info)' "$1" | tail -n 20; tail -n 3 "$1"; } | cut -c 1-1000 >&2 || true
}

stop_all() {
  local process
  for process in ${daemons[@]+"${daemons[@]}"}; do kill -KILL "$process" 2>/dev/null || true; done
}

# A database of its own, so that programs do not see what others wrote.
make_database() {
  "$dev/cluster" create "$TALLY_TEST_CLUSTER" "test_$$_$1"
}

# start_daemon NAME DATABASE-URL LISTEN ARGUMENT...: sets `process`, `address` and `log`. TALLY_TEST_TLS, a folder with
# certificate and key, makes it speak TLS, and TALLY_TEST_CA and CURL_CA_BUNDLE then name the certificate.
start_daemon() {
  local name=$1 database=$2 listen=$3 prefix=
  shift 3
  if [ -n "${TALLY_TEST_TLS:-}" ]; then
    set -- --tls-cert="$TALLY_TEST_TLS/cert.pem" --tls-key="$TALLY_TEST_TLS/key.pem" "$@"
  fi
  log=$work/$name.log
  # A log of before would tell an address of before.
  if [ -e "$log" ]; then mv -f -- "$log" "$log.before"; fi
  TALLY_DATABASE_URL=$database "$TALLY_TEST_TALLYD" serve --listen "$listen" --artifact-store "$work/artifacts" \
    "$@" </dev/null >"$log" 2>&1 &
  process=$!
  daemons+=("$process")
  case " $* " in *' --static-prefix='*) prefix=$(printf '%s\n' "$@" | sed -n 's/^--static-prefix=//p') ;; esac
  static_prefix=$prefix
  if ! wait_until_ready "$process" "$log" 120; then
    show_log "$log"
    say "the daemon $name did not become ready" >&2
    return 1
  fi
}

# stop_daemon PROCESS: SIGTERM, then the status it ends with.
stop_daemon() {
  local status=0
  kill -TERM "$1" 2>/dev/null || true
  wait "$1" || status=$?
  forget_daemon "$1"
  return "$status"
}

forget_daemon() {
  local kept=() process
  for process in ${daemons[@]+"${daemons[@]}"}; do
    if [ "$process" != "$1" ]; then kept+=("$process"); fi
  done
  daemons=(${kept[@]+"${kept[@]}"})
}

# A command that returns once every table of a database is held up, so that whoever reads or writes has to wait; until
# the command of release_command ran, or this program ends. Tables are locked one after the other: who holds one of them and
# waits for another may win, and then it is tried again.
hold_command() {
  local tables
  tables=$(psql -XAtq -d "$1" -c "SELECT string_agg (format ('%I.%I', schemaname, tablename), ', ')
    FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
  # psql takes each line when it comes, and the transaction ends with the last. Empty ones find out that psql is gone.
  printf '%s' "rm -f '$work/held'; touch '$work/hold'
    while [ -e '$work/hold' ] && [ ! -e '$work/held' ]; do
      { echo 'BEGIN; LOCK TABLE $tables IN ACCESS EXCLUSIVE MODE;'; echo \"\\\\! touch '$work/held'\"
        while [ -e '$work/hold' ] && echo; do sleep 0.02; done
      } | psql -Xq -v ON_ERROR_STOP=1 -d '$1' >/dev/null 2>>'$work/hold.log'
    done >/dev/null 2>&1 &
    until [ -e '$work/held' ]; do [ -e '$work/hold' ] || exit 1; sleep 0.02; done"
}
release_command() { printf '%s' "rm -f '$work/hold'"; }

# figure NAME: the number after NAME= in the file $work/figures.
figure() {
  sed -n "s/.*\\b$1=\\([0-9]*\\).*/\\1/p" "$work/figures" | head -n 1
}

verdict() {
  say "$(basename -- "$0"): $*"
}
