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
	these figures hardly depend on the machine and on what else it does. "Own" are the instructions
	in the libraries that are compared: without the program's, libc's and those of a TLS provider.

	  tests/bench/count.sh build dispatch 'raw fend libev' 100 1
	  tests/bench/count.sh build echo 'raw fend-socket fend-stream' 50 64
	  tests/bench/count.sh build tls 'raw fend-socket fend-stream' full         # a handshake
	  tests/bench/count.sh build tls 'raw fend-socket fend-stream' send 16384   # per KiB
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

# Handshakes are long, and bytes leave in pieces of up to 256 KiB.
case "$benchmark ${1:-} ${2:-0}" in
'tls full'*|'tls resumed'*)  short=20 long=120 ;;
'tls '*' 100'|'tls '*' 1400') short=500 long=2500 ;;
'tls '*)                     short=4096 long=20480 ;;
*)                           short=2000 long=12000 ;;
esac
dir=$(mktemp -d)
trap 'rm -f "$dir"/*; rmdir "$dir"' EXIT

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

# Prints all, and the own ones: of what callgrind writes, costs that are not those of a call.
instructions()
{
	tool="valgrind --tool=callgrind --compress-strings=no --callgrind-out-file=$dir/costs"
	run "$@" >/dev/null 2>&1
	awk '/^ob=/    { own = /\/lib(fend-|ev|uv|systemd)/ }
	     /^calls=/ { getline; next }
	     /^[0-9+*-]/ { all += $2; if (own) mine += $2 }
	     END { print all + 0, mine + 0 }' "$dir/costs"
}

# Not what the program's children call: -f is not given.
calls()
{
	tool="strace -c -o $dir/calls"
	run "$@" >/dev/null
	awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { n += $4 } END { print n }' "$dir/calls"
}

printf '%-12s %14s %14s %14s\n' "$benchmark $*" instructions own 'system calls'
for name in $names; do
	echo "$(instructions "$short" "$@") $(calls "$short" "$@")" \
		"$(instructions "$long" "$@") $(calls "$long" "$@")" |
		awk -v name="$name" -v n=$((long - short)) '{ printf "%-12s %14.2f %14.2f %14.3f\n",
			name, ($4 - $1) / n, ($5 - $2) / n, ($6 - $3) / n }'
done
