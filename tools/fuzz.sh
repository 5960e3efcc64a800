#!/usr/bin/env bash
# Runs each fuzz target for a time: fuzz.sh [-j JOBS] [-l LOG] [-r REGEXP] TIME
# Each package is built once, JOBS targets run at a time (one per core), one
# thread each. An input that reaches something new is shortened in 50 tries at
# most: Go's own limit of a minute is longer than most runs. LOG gets a line per
# target: date, commit, target, seconds of processor time, executions, result.
# With it inputs that reach something new are kept in Go's build cache, so that
# the next run goes on where this one stopped. Runs without start from the seeds:
# reading thousands of inputs can take a short run all its time.
#
# fuzz.sh -t LOG prints the sums of a log as a Markdown table.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

table() {
	echo '| target | processor time, s | executions | runs | last run | failed |'
	echo '|---|--:|--:|--:|---|--:|'
	awk -F '\t' '
		NR > 1 { cpu[$3] += $4; execs[$3] += $5; runs[$3]++; last[$3] = $1; failed[$3] += $6 != "ok" }
		END { for (t in runs)
			printf "| %s | %d | %d | %d | %s | %d |\n", t, cpu[t], execs[t], runs[t], last[t], failed[t] }
	' "$1" | sort
	awk -F '\t' '
		NR > 1 { cpu += $4; execs += $5; failed += $6 != "ok"; if (!seen[$3]++) n++ }
		END { printf "| **all %d** | %d | %d | %d | | %d |\n", n, cpu, execs, NR - 1, failed }
	' "$1"
}

run() (
	cd "$1"
	"$built/$1/fuzz.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$time" \
		-test.parallel 1 -test.fuzzminimizetime 50x -test.fuzzcachedir "$cache/$module/${1#./}"
)

# fuzz DIR TARGET runs one target and adds its line to the log.
fuzz() {
	local dir=$1 target=$2 name=${1#./}.$2 result=ok start out cpu execs
	out=$built/$name.out start=$(date -u +%FT%TZ)
	# Per target: seconds of all processes that it waited for, workers included.
	local TIMEFORMAT='cpu %U %S'
	{ time run "$dir" "$target" >"$out" 2>&1; } 2>"$out.cpu" || result=failed
	cpu=$(awk '{ printf "%.1f", $2 + $3 }' "$out.cpu")
	execs=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$out" | tail -n 1)
	if [[ $result == failed ]]; then
		# A deadline that ends a run in the wrong moment is no finding (go.dev/issue/75804).
		if ! grep -q 'Failing input written\|panic\|--- FAIL.*seed' "$out" && grep -q 'context deadline exceeded' "$out"; then
			result=ok
		else
			cat "$out" >&2
		fi
	fi
	printf '%-55s %8s s %12s executions  %s\n' "$name" "$cpu" "${execs:-0}" "$result"
	if [[ -n $log ]]; then
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$start" "$commit" "$name" "$cpu" "${execs:-0}" "$result" >>"$log"
	fi
	[[ $result == ok ]]
}

jobs=$(nproc) log='' only=.
while getopts j:l:r:t: flag; do
	case $flag in
	j) jobs=$OPTARG ;;
	l) log=$OPTARG ;;
	r) only=$OPTARG ;;
	t) table "$OPTARG"; exit ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
time=${1:-10s}

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- '*.go' || commit+=+
module=$(go list -m) cache=$built/cache
[[ -z $log ]] || cache=$(go env GOCACHE)/fuzz
if [[ -n $log && ! -s $log ]]; then
	printf 'date\tcommit\ttarget\tcpu_s\texecs\tresult\n' >"$log"
fi
export built log time commit module cache
export -f fuzz run

targets=$(git grep -o --untracked -E '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' |
	sed -E 's|^([^:]*)/[^/:]*:func |./\1 |' | sort | awk -v only="$only" '$0 ~ only')
[[ -n $targets ]] || { echo "no fuzz target matches $only" >&2; exit 2; }
while read -r dir; do
	mkdir -p "$built/$dir"
	go test -c -fuzz . -o "$built/$dir/fuzz.test" "$dir"
done < <(cut -d ' ' -f 1 <<<"$targets" | uniq)
xargs -P "$jobs" -L 1 bash -c 'set -euo pipefail; fuzz "$@"' fuzz <<<"$targets"
