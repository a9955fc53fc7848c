#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The checks that take too long for .ci/run; it ends with the same line of counts.
set -u

usage()
{
	cat <<-'END'
	usage: tests/extended.sh [--roots DIR] [STEP...]

	  fresh      examples/run.sh and tests/run.sh in a Debian 12 with nothing but its base system
	  debian     the packages of tests/packaging/debian: built, examined, installed one by one
	  i386       the suites of core and net in a Debian 12 of 32 bits
	  matrix     every compiler, kind of library and set of dispatchers, optimised
	  selection  every choice of dispatchers, provider and libraries
	  bulk       a GiB through streams, both ways, plain and through layers (FEND_TEST_BYTES)
	  soak       every test and the examples, many times over (FEND_SOAK, 25 by default)

	Without a STEP all of them. --roots: DIR/amd64 and DIR/i386, which "debootstrap --variant=minbase
	bookworm" has made, are copied instead of running debootstrap again. "fresh", "debian" and
	"i386" need root.
	END
}

roots=
while [ $# -gt 0 ]; do
	case $1 in
	--roots) roots=${2:?"--roots needs a directory"}; shift ;;
	-*)     usage; [ "$1" = --help ]; exit ;;
	*)      break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- fresh debian i386 matrix selection bulk soak

cd "$(dirname "$0")/.." || exit 1
build=$PWD/build-extended
source tests/lib/packages.sh
source .ci/checks.sh
source tests/lib/root.sh
source tests/packaging/debian.sh

inside_installs_nothing()
{
	inside "$@" && grep -q 'no package is missing' "$build/check.log"
}

nginx_is_off()
{
	! ls "$build"/root/etc/rc?.d/S??nginx "$build"/root/usr/sbin/policy-rc.d
}

fresh()
{
	check 'a fresh Debian 12' root_make "$(dpkg --print-architecture)"
	check 'fresh: examples/run.sh epoll' inside /fend/examples/run.sh epoll
	check 'fresh: examples/run.sh poll' inside_installs_nothing /fend/examples/run.sh poll
	check 'fresh: tests/run.sh' inside /fend/tests/run.sh
	check 'fresh: tests/run.sh again' inside_installs_nothing /fend/tests/run.sh
	check 'fresh: nginx does not start by itself' nginx_is_off
	root_remove
}

is_elf32()
{
	readelf -h "$1" | grep -q ELF32
}

i386()
{
	check 'i386: a fresh Debian 12' root_make i386
	check 'i386: its suites of core and net' inside linux32 env FEND_TEST_SLOW="${FEND_TEST_SLOW:-1}" \
		/fend/tests/run.sh --builddir /fend/build-i386 -Dwerror=true --suite core --suite net
	check 'i386: it is of 32 bits' is_elf32 \
		"$build/root/fend/build-i386/libfend-net/libfend-net.so"
	root_remove
}

matrix()
{
	local compiler library set
	for compiler in 'gcc g++' 'clang clang++'; do
		for library in shared static both; do
			for set in epoll poll poll,epoll; do
				CC=${compiler% *} CXX=${compiler#* } \
					suite "${compiler% *}-$library-${set/,/-}" testlog -Dbuildtype=release \
					-Ddefault_library=$library -Ddispatchers=$set
			done
		done
		CC=${compiler% *} CXX=${compiler#* } \
			suite "${compiler% *}-debug" testlog -Dbuildtype=debug
		# The objects of clang want a linker that knows them.
		if [ "${compiler% *}" = clang ]; then
			export CC_LD=lld CXX_LD=lld
		fi
		CC=${compiler% *} CXX=${compiler#* } \
			suite "${compiler% *}-lto" testlog -Dbuildtype=release -Db_lto=true
		unset CC_LD CXX_LD
	done
}

selection()
{
	local set provider
	for set in epoll poll epoll,poll; do
		# shellcheck disable=SC2154,SC2086 # the providers, from .ci/checks.sh, are words
		for provider in $providers; do
			suite "$provider-${set/,/-}" testlog -Ddispatchers=$set -Dtls_provider="$provider"
			suite "$provider-${set/,/-}-no-dns" testlog -Ddispatchers=$set \
				-Dtls_provider="$provider" -Ddns=disabled -Dexamples=auto
		done
		suite "${set/,/-}-no-tls" testlog -Ddispatchers=$set -Dtls=disabled -Dexamples=auto
		suite "${set/,/-}-no-net" testlog -Ddispatchers=$set -Dnet=disabled -Dtls=disabled \
			-Ddns=disabled -Dexamples=auto
	done
}

bulk()
{
	FEND_TEST_BYTES=${FEND_TEST_BYTES:-$((1 << 30))} suite bulk testlog --timeout-multiplier 60 \
		'net/stream-transfer epoll' 'net/stream-transfer poll'
}

soak()
{
	local i
	suite soak testlog --repeat "${FEND_SOAK:-25}" --no-suite packaging
	for ((i = 1; i <= ${FEND_SOAK:-25}; i++)); do
		check "examples, round $i" examples/run.sh --builddir "$build/examples" \
			"$([ $((i % 2)) -eq 0 ] && echo epoll || echo poll)"
	done
}

rm -rf --one-file-system "$build"
mkdir "$build" || exit 1
packages_install "$(packages_system)" 0 build tests ci more || exit 1
for step; do
	case $step in
	fresh|debian|i386|matrix|selection|bulk|soak) $step ;;
	*) usage >&2; exit 2 ;;
	esac
done
finish
