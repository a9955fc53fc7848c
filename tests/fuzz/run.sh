#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu

usage()
{
	cat <<-'END'
	usage: tests/fuzz/run.sh [--afl] [--dispatcher NAME] [--builddir DIR] [SECONDS]

	Fuzz libfend-core for SECONDS (60): with libFuzzer, AddressSanitizer and UBSan, or with
	AFL++. It begins with the corpus beside this script; what it finds goes to DIR.

	  --afl              AFL++ (afl-clang-fast, afl-fuzz) instead of libFuzzer (clang)
	  --dispatcher NAME  epoll or poll; epoll if not given
	  --builddir DIR     build-fuzz beside the sources if not given
	END
}

source_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
build_dir=$source_dir/build-fuzz
seconds=60
fuzzer=libfuzzer
FEND_DISPATCHER=epoll
while [ $# -gt 0 ]; do
	case $1 in
	--help)       usage; exit 0 ;;
	--afl)        fuzzer=afl ;;
	--dispatcher) FEND_DISPATCHER=${2:?"--dispatcher needs a name"}; shift ;;
	--builddir)   build_dir=${2:?"--builddir needs a directory"}; shift ;;
	-*)           usage >&2; exit 2 ;;
	*)            seconds=$1 ;;
	esac
	shift
done
export FEND_DISPATCHER
corpus=$source_dir/tests/fuzz/corpus/loop
build=$build_dir/$fuzzer
found=$build_dir/found-$FEND_DISPATCHER
mkdir -p "$found"

# configure OPTION...
configure()
{
	[ -e "$build/build.ninja" ] || meson setup "$build" "$source_dir" -Ddefault_library=static \
		-Dnet=disabled -Dtls=disabled -Ddns=disabled -Dexamples=disabled "$@"
}

if [ $fuzzer = libfuzzer ]; then
	CC=clang configure -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link
	meson compile -C "$build" fuzz-loop-libfuzzer
	cd "$build_dir"
	exec "$build/tests/fuzz/fuzz-loop-libfuzzer" -max_total_time="$seconds" -max_len=4096 \
		-print_final_stats=1 "$found" "$corpus"
fi
CC=afl-clang-fast configure
meson compile -C "$build" fuzz-loop
AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 \
	exec afl-fuzz -i "$corpus" -o "$build_dir/afl-$FEND_DISPATCHER" -V "$seconds" -- \
	"$build/tests/fuzz/fuzz-loop"
