#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu

usage()
{
	cat <<-'END'
	usage: tests/bench/count.sh BUILD_DIR BENCHMARK NAMES [ARGUMENT...]

	Count what one event or request costs in instructions of user space (valgrind's callgrind)
	and in system calls (strace), for each contestant of NAMES, as the difference of a short and
	a long run divided by the difference of their lengths. ARGUMENTs choose the case. Unlike times,
	these figures hardly depend on the machine and on what else it does.

	  tests/bench/count.sh build dispatch 'raw fend libev' 100 1
	  tests/bench/count.sh build echo 'raw fend-socket fend-stream' 50 64
	  tests/bench/count.sh build dns 'raw fend c-ares' 100
	END
}

if [ $# -lt 3 ]; then
	usage
	exit 2
fi
program=$1/tests/bench/bench-$2
benchmark=$2
names=$3
shift 3

short=2000
long=12000
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

# The command line of a run of so many events: length, then the case.
run()
{
	case $benchmark in
	dispatch) set -- "$2" "$3" "$1" ;;
	echo)     n=$1; shift; set -- --requests "$n" echo "$@" ;;
	dns)      set -- "$2" "$1" ;;
	tls)      n=$1; shift; set -- --requests "$n" "$@" ;;
	esac
	$tool "$program" --only "$name" --rounds 1 "$@"
}

instructions()
{
	tool='valgrind --tool=callgrind --callgrind-out-file=/dev/null'
	run "$@" 2>&1 | sed -n 's/^.*Collected : //p'
}

# Not what the program's children call: -f is not given.
calls()
{
	tool="strace -c -o $counts"
	run "$@" >/dev/null
	awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { n += $4 } END { print n }' "$counts"
}

each()
{
	awk -v short="$short" -v long="$long" -v a="$1" -v b="$2" \
		'BEGIN { printf "%.2f", (b - a) / (long - short) }'
}

printf '%-12s %14s %14s\n' "$benchmark $*" instructions 'system calls'
for name in $names; do
	printf '%-12s %14s %14s\n' "$name" \
		"$(each "$(instructions "$short" "$@")" "$(instructions "$long" "$@")")" \
		"$(each "$(calls "$short" "$@")" "$(calls "$long" "$@")")"
done
