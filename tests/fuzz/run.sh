#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu

usage()
{
	cat <<-'END'
	usage: tests/fuzz/run.sh [--afl|--merge|--lines] [--dispatcher NAME] [--builddir DIR]
	                         [TARGET [SECONDS]]

	Fuzz a TARGET for SECONDS (60): with libFuzzer, AddressSanitizer and UBSan, or with AFL++.
	A TARGET is what follows fuzz- in the names of the sources beside this script; "loop" if not
	given. To those of TLS the provider is added: tls-client-gnutls. It begins with corpus/TARGET
	there; what it finds goes to DIR.

	  --afl              AFL++ (afl-clang-fast, afl-fuzz) instead of libFuzzer (clang)
	  --merge            copy a few of the findings into the corpus, which reach all that all do
	  --lines            say how many lines of each source file the corpus reaches (gcov)
	  --dispatcher NAME  epoll or poll; epoll if not given
	  --builddir DIR     build-fuzz beside the sources if not given
	END
}

source_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
build_dir=$source_dir/build-fuzz
target=
seconds=60
action=libfuzzer
FEND_DISPATCHER=epoll
while [ $# -gt 0 ]; do
	case $1 in
	--help)       usage; exit 0 ;;
	--afl)        action=afl ;;
	--merge)      action=merge ;;
	--lines)      action=lines ;;
	--dispatcher) FEND_DISPATCHER=${2:?"--dispatcher needs a name"}; shift ;;
	--builddir)   build_dir=${2:?"--builddir needs a directory"}; shift ;;
	-*)           usage >&2; exit 2 ;;
	*)            if [ "$target" ]; then seconds=$1; else target=$1; fi ;;
	esac
	shift
done
export FEND_DISPATCHER UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
target=${target:-loop}
case $target in
tls-*) name=${target%-*} suffix=-tls tls=enabled ;;
*)     name=$target suffix='' tls=disabled ;;
esac
[ -e "$source_dir/tests/fuzz/fuzz-$name.c" ] || { usage >&2; exit 2; }
corpus=$source_dir/tests/fuzz/corpus/$name
case $target in
loop)   max_len=4096 ;;
lookup) max_len=2048 ;; # lines of services(5) may be longer than their reader has room for
*)      max_len=512 ;;
esac
found=$build_dir/found-$target-$FEND_DISPATCHER
mkdir -p "$found"

# configure NAME OPTION...: sets build.
configure()
{
	build=$build_dir/$1$suffix
	shift
	[ -e "$build/build.ninja" ] || meson setup "$build" "$source_dir" -Ddefault_library=static \
		-Dtls=$tls -Dexamples=disabled "$@"
}

case $action in
libfuzzer|merge)
	CC=clang configure libfuzzer -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link
	ninja -C "$build" "tests/fuzz/fuzz-$target-libfuzzer"
	set -- -max_total_time="$seconds" -print_final_stats=1 "$found" "$corpus"
	[ $action = libfuzzer ] || set -- -set_cover_merge=1 -use_counters=0 "$corpus" "$found"
	cd "$build_dir"
	exec "$build/tests/fuzz/fuzz-$target-libfuzzer" -max_len=$max_len "$@"
	;;
afl)
	CC=afl-clang-fast configure afl
	ninja -C "$build" "tests/fuzz/fuzz-$target"
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 \
		exec afl-fuzz -i "$corpus" -o "$build_dir/afl-$target-$FEND_DISPATCHER" -V "$seconds" -- \
		"$build/tests/fuzz/fuzz-$target"
	;;
lines)
	CC=gcc configure lines -Db_coverage=true -Doptimization=0
	ninja -C "$build" "tests/fuzz/fuzz-$target"
	find "$build" -name '*.gcda' -exec rm {} +
	"$build/tests/fuzz/fuzz-$target" "$corpus" | tail -n 1
	cd "$build"
	find . -path '*fend-*' -name '*.gcda' -exec gcov -n {} + 2>/dev/null |
		sed -n "N;s/^File '\(.*\)'\nLines executed:\(.*\)/\2 \1/p;D" | sort -k 4
	;;
esac
